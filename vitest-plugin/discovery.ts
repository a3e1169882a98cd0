import MagicString, { type SourceMap } from 'magic-string'

/** As much of an ESTree node as is read here. */
interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

const WORDS = ['journey', 'branch']

/**
 * Makes journeys visible to Vitest's static analysis, by which `vitest list` and editors find tests without running them.
 *
 * It knows calls of `describe` and `test` only, and `x.describe` where `x` starts with `__vi_import_`. So each call of
 * `journey` and `branch` is rewritten to such a spelling of itself: as a test where no branch is inside, else as a suite.
 */
export function showPathsToStaticAnalysis(
  code: string,
  id: string,
  parse: (code: string) => unknown,
): { code: string; map: SourceMap } | undefined {
  if (id.includes('/node_modules/') || !/\bjourney\b/.test(code)) return undefined
  const body = (parse(code) as { body: Node[] }).body
  const words = new Map<string, Node>()
  for (const statement of body) for (const name of wordsDeclaredBy(statement)) words.set(name, statement)
  const source = new MagicString(code)
  const rewrite = (node: Node): boolean => {
    let branches = false
    for (const child of childrenOf(node)) branches = rewrite(child) || branches
    if (node.type !== 'CallExpression') return branches
    const callee = rootOf(node['callee'] as Node)
    if (!callee || !words.has(callee['name'] as string)) return branches
    // `branch.each(cases)(name, body)` is two calls with one root: the outer one has the body.
    if (!(node['arguments'] as Node[]).some(isFunction) && !isTodo(node)) return branches
    const name = callee['name'] as string
    source.overwrite(callee.start, callee.end, `__vi_import_${name}__.${branches ? 'describe' : 'test'}`)
    return true
  }
  const found = body.map(rewrite).some(Boolean)
  if (!found) return undefined
  for (const [name, statement] of words) {
    source.appendLeft(statement.end, `;const __vi_import_${name}__={describe:${name},test:${name}};`)
  }
  return { code: source.toString(), map: source.generateMap({ hires: true, source: id }) }
}

/** The local names of our words: imported, or taken out of `defineWorld()` in the file itself. */
function wordsDeclaredBy(statement: Node): string[] {
  if (statement.type === 'ImportDeclaration') {
    const specifiers = statement['specifiers'] as Node[]
    return specifiers
      .filter(({ imported }) => isWord(imported as Node))
      .map(({ local }) => (local as Node)['name'] as string)
  }
  const declaration = (
    statement.type === 'ExportNamedDeclaration' ? statement['declaration'] : statement
  ) as Node | null
  if (declaration?.type !== 'VariableDeclaration') return []
  const patterns = (declaration['declarations'] as Node[]).map(({ id }) => id as Node)
  const properties = patterns.flatMap((pattern) =>
    pattern.type === 'ObjectPattern' ? (pattern['properties'] as Node[]) : [],
  )
  return properties.filter(({ key }) => isWord(key as Node)).map(({ value }) => (value as Node)['name'] as string)
}

function isWord(name: Node | undefined): boolean {
  return WORDS.includes(name?.['name'] as string)
}

/** The identifier at the left end of `a.b(c)(d)`. */
function rootOf(node: Node | undefined): Node | undefined {
  if (node?.type === 'MemberExpression') return rootOf(node['object'] as Node)
  if (node?.type === 'CallExpression') return rootOf(node['callee'] as Node)
  return node?.type === 'Identifier' ? node : undefined
}

function isFunction(node: Node): boolean {
  return node.type === 'ArrowFunctionExpression' || node.type === 'FunctionExpression'
}

function isTodo(call: Node): boolean {
  return ((call['callee'] as Node)['property'] as Node | undefined)?.['name'] === 'todo'
}

function childrenOf(node: Node): Node[] {
  const children: Node[] = []
  for (const value of Object.values(node)) {
    for (const item of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (typeof item === 'object' && item !== null && 'type' in item) children.push(item as Node)
    }
  }
  return children
}
