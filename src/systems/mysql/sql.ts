/** A name as SQL. */
export function name(identifier: string): string {
  return `\`${identifier.replaceAll('`', '``')}\``
}

/** Text as SQL, in our sessions: they all have NO_BACKSLASH_ESCAPES. */
export function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`
}

/** A list of expressions, names or values. */
export function list(items: readonly string[]): string {
  return items.join(', ')
}
