/** What differs between the SQL of servers, as far as it decides where a statement ends. */
export interface Dialect {
  /** Whether a backslash in any string takes the next character with it. In PostgreSQL only those written E'…' do. */
  readonly backslash: boolean
  /** Whether `$tag$…$tag$` is a string. */
  readonly dollar: boolean
  /** Whether block comments nest. */
  readonly nested: boolean
  /** Whether `#` begins a comment, `--` only does before a space, and what stands between `/*!` and its end is run. */
  readonly mysql: boolean
}

/** One statement of a text. */
export interface Statement {
  readonly text: string
  /** Its words in upper case, in order, without strings, quoted names, numbers and comments; a `(` ends them. */
  readonly words: readonly string[]
}

/** How statements of PostgreSQL are written. */
export const POSTGRES: Dialect = { backslash: false, dollar: true, nested: true, mysql: false }

/** How statements of MySQL and MariaDB are written, while neither ANSI_QUOTES nor NO_BACKSLASH_ESCAPES is set. */
export const MYSQL: Dialect = { backslash: true, dollar: false, nested: false, mysql: true }

type Kind = 'space' | 'word' | 'string' | 'open' | 'close' | 'end' | 'other'

/**
 * The statements of a text, as the server would tell them apart: semicolons in strings, quoted names, comments,
 * parentheses and bodies of routines end none. Statements without a word are left out.
 */
export function statementsOf(text: string, dialect: Dialect): Statement[] {
  const statements: Statement[] = []
  let [start, depth, body] = [0, 0, 0]
  let words: string[] = []
  let last = ''
  let isHead = true
  const finish = (at: number): void => {
    if (words.length > 0 || !isHead) statements.push({ text: text.slice(start, at), words })
    ;[start, depth, body, words, last, isHead] = [at + 1, 0, 0, [], '', true]
  }
  for (const { kind, at, to } of tokens(text, dialect)) {
    if (kind === 'open') depth += 1
    if (kind === 'close') depth -= 1
    if (kind === 'word') {
      const word = text.slice(at, to).toUpperCase()
      if (isRoutine(words)) body = Math.max(0, body + bodyStep(last, word))
      if (isHead) words.push(word)
      last = word
    }
    // The head of a statement says what it is; what comes after the first parenthesis are its parts.
    if (kind === 'open') isHead = false
    if (kind !== 'end') continue
    if (depth <= 0 && body === 0) finish(at)
    else last = ''
  }
  finish(text.length)
  return statements
}

/** Each statement that is not plain by itself, and the plain ones between two of those together: they fail as a whole. */
export function partsOf(statements: readonly Statement[], isPlain: (statement: Statement) => boolean): Statement[][] {
  const parts: Statement[][] = []
  let isOpen = false
  for (const statement of statements) {
    const joins = isPlain(statement)
    if (isOpen && joins) parts.at(-1)!.push(statement)
    else parts.push([statement])
    isOpen = joins
  }
  return parts
}

/** A statement on one line for messages, of `most` characters at most. */
export function shortened(text: string, most = 80): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length > most ? `${line.slice(0, most - 1)}…` : line
}

/** CREATE FUNCTION, PROCEDURE, TRIGGER or EVENT, which may hold statements of their own. */
function isRoutine(words: readonly string[]): boolean {
  return words[0] === 'CREATE' && words.some((word) => /^(FUNCTION|PROCEDURE|TRIGGER|EVENT)$/.test(word))
}

/** BEGIN and CASE go in, END goes out; but `END IF` ends what did not go in. */
function bodyStep(last: string, word: string): number {
  if (last === 'END') return /^(IF|LOOP|WHILE|REPEAT)$/.test(word) ? 1 : 0
  if (word === 'BEGIN' || word === 'CASE') return 1
  return word === 'END' ? -1 : 0
}

function* tokens(text: string, dialect: Dialect): Generator<{ kind: Kind; at: number; to: number }> {
  for (let at = 0; at < text.length;) {
    const [kind, to] = next(text, at, dialect)
    yield { kind, at, to }
    at = to
  }
}

/** What begins at `at`, and where it ends. What is not ended ends with the text: the server will say so. */
function next(text: string, at: number, dialect: Dialect): readonly [Kind, number] {
  const [char, two] = [text[at]!, text.slice(at, at + 2)]
  if (char === ';') return ['end', at + 1]
  if (char === '(') return ['open', at + 1]
  if (char === ')') return ['close', at + 1]
  if (two === '--' && (!dialect.mysql || /^[\s\p{Cc}]?$/u.test(text.slice(at + 2, at + 3))))
    return ['space', line(text, at)]
  if (char === '#' && dialect.mysql) return ['space', line(text, at)]
  if (two === '/*') return ['space', dialect.mysql && text[at + 2] === '!' ? at + 3 : comment(text, at, dialect)]
  if (two === '*/' && dialect.mysql) return ['space', at + 2]
  if (char === "'") return ['string', quote(text, at, dialect.backslash)]
  if (char === '"') return ['string', quote(text, at, dialect.backslash)]
  if (char === '`' && dialect.mysql) return ['string', quote(text, at, false)]
  if (/^e'/i.test(two) && dialect.dollar) return ['string', quote(text, at + 1, true)]
  const tag = char === '$' && dialect.dollar ? matched(/\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$/uy, text, at) : undefined
  if (tag !== undefined) return ['string', after(text, tag, at + tag.length)]
  const word = matched(/[\p{L}_][\p{L}\p{N}_$]*/uy, text, at)
  if (word !== undefined) return ['word', at + word.length]
  return [/\s/.test(char) ? 'space' : 'other', at + (matched(/\d[\w.]*/y, text, at) ?? char).length]
}

function matched(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0]
}

function after(text: string, what: string, from: number): number {
  const found = text.indexOf(what, from)
  return found < 0 ? text.length : found + what.length
}

function line(text: string, at: number): number {
  return after(text, '\n', at)
}

/** The end of what is quoted by the character at `at`; that character twice stands for itself. */
function quote(text: string, at: number, backslash: boolean): number {
  for (let i = at + 1; i < text.length; i += 1) {
    if (backslash && text[i] === '\\') i += 1
    else if (text[i] === text[at]) {
      if (text[i + 1] !== text[at]) return i + 1
      i += 1
    }
  }
  return text.length
}

function comment(text: string, at: number, { nested }: Dialect): number {
  const edge = /\/\*|\*\//g
  edge.lastIndex = at + 2
  for (let depth = 1; ;) {
    const found = edge.exec(text)
    if (!found) return text.length
    if (found[0] === '*/') depth -= 1
    else if (nested) depth += 1
    if (depth === 0) return edge.lastIndex
  }
}
