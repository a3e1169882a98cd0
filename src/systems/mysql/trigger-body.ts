/**
 * Quoted names, comments, words, anything else: what the beginning of the statement is made of. Names in double quotes
 * (ANSI_QUOTES) know no backslash.
 */
const TOKEN = /"(?:[^"]|"")*"|`(?:[^`]|``)*`|\/\*[^]*?\*\/|(?:--\s|#)[^\n]*|[\w$\u0080-\uffff]+|\s+|[^]/gy

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
  const last = tokens[at - 1]!
  return statement.slice(last.index + last[0].length).replaceAll(/^\s+|[\s;]+$/g, '')
}
