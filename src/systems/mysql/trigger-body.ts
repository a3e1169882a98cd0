/** Strings, quoted names, comments, words, anything else: what a statement is made of. */
const TOKEN =
  /'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`(?:[^`]|``)*`|\/\*[^]*?\*\/|(?:--\s|#)[^\n]*|[\w$\u0080-\uffff]+|\s+|[^]/gy

/**
 * What a trigger does, cut out of the statement that made it: what follows FOR EACH ROW and its place among others.
 *
 * information_schema has that text too, but with the backslashes of its strings gone.
 */
export function bodyOf(statement: string): string {
  const tokens = [...statement.matchAll(TOKEN)].filter(([token]) => !/^(\s|\/\*|--\s|#)/.test(token))
  const word = (i: number): string => tokens[i]?.[0].toUpperCase() ?? ''
  let at = tokens.findIndex((_, i) => word(i) === 'FOR' && word(i + 1) === 'EACH' && word(i + 2) === 'ROW') + 3
  if (['FOLLOWS', 'PRECEDES'].includes(word(at))) at += 2
  return statement.slice(tokens[at]!.index).replace(/[\s;]+$/, '')
}
