/** One ts block of a page, or a file that the page hides in a comment. */
export interface Block {
  /** Of the page, where the block starts. */
  readonly line: number
  readonly code: string
  /** The name in its first line, `// test/world.ts`: other blocks import it by this. */
  readonly file: string | undefined
  /** `file`: only written, for others to import. `no-run`: only type-checked. `fails`: run, and must fail. */
  readonly kind: 'file' | 'no-run' | 'run' | 'fails'
  /** The real servers that it speaks to. */
  readonly needs: readonly string[]
  /** Lines that the run must print, in this order. */
  readonly output: readonly string[]
}

const fence = /^```(\w+)([^\n]*)\n(.*?)^```$|^<!-- (file: [^\n]+)\n(.*?)^-->$/gms
const name = /^\/\/ (?:file: )?((?:[\w.-]+\/)*[\w.-]+\.[cm]?ts)\b/
/** A block of data that others read: `yaml file: ci.yaml`. */
const data = /^ file: ([\w.-]+)$/
const words = /^(?:no-run: \S.*|(?:fails)?)$/

/** The ts blocks of a page in their order, each with the ```text output block that follows it. */
export function blocks(markdown: string): Block[] {
  const found: Block[] = []
  for (const { index, 1: language, 2: info = '', 3: code = '', 4: hidden, 5: hiddenCode = '' } of markdown.matchAll(
    fence,
  )) {
    const line = markdown.slice(0, index).split('\n').length
    const last = found.at(-1)
    if (hidden !== undefined) found.push(block(line, /needs .+/.exec(hidden)?.[0] ?? '', `// ${hidden}\n${hiddenCode}`))
    else if (language === 'ts') found.push(block(line, info.trim(), code))
    else if (data.test(info)) found.push({ ...block(line, '', code), kind: 'file', file: data.exec(info)?.[1] })
    else if (language === 'text' && info.trim() === 'output' && last !== undefined) {
      found[found.length - 1] = { ...last, output: code.split('\n').filter((text) => text.trim() !== '') }
    }
  }
  return found
}

function block(line: number, info: string, code: string): Block {
  const needs = /\bneeds (.+)$/.exec(info)
  const word = info.slice(0, needs?.index).trim()
  if (!words.test(word)) throw new Error(`line ${line}: "ts ${info}"; there are: no-run: REASON, fails, needs SERVER…`)
  const file = name.exec(code)?.[1]
  return { line, code, file, kind: kindOf(word, file), needs: needs?.[1]?.split(/[ ,]+/) ?? [], output: [] }
}

function kindOf(word: string, file: string | undefined): Block['kind'] {
  if (word.startsWith('no-run')) return 'no-run'
  if (word === 'fails') return 'fails'
  return file === undefined || file.endsWith('.test.ts') ? 'run' : 'file'
}
