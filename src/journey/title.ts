import { format, inspect } from 'node:util'

/**
 * The name of one case of `.each`, by the rules of Vitest and Jest: `%s %d %i %f %j %o` take the arguments in order,
 * `%#` is the number of the case, `%%` a percent sign, `$key.path` a property of the first argument.
 */
export function titleOf(name: string, args: readonly unknown[], index: number): string {
  let next = 0
  const formatted = name.replace(/%([sdifjoO#%$])/g, (token, kind: string) => {
    if (kind === '%') return '%'
    if (kind === '#') return String(index)
    if (kind === '$') return String(index + 1)
    if (next >= args.length) return token
    const value = args[next++]
    if (kind === 'o' || kind === 'O') return inspect(value, { depth: 2, breakLength: Infinity })
    return format(token, value)
  })
  const [first] = args
  if (typeof first !== 'object' || first === null) return formatted
  return formatted.replace(/\$([a-zA-Z_][\w]*(?:\.\w+)*)/g, (token, path: string) => {
    let value: unknown = first
    for (const key of path.split('.')) {
      if (typeof value !== 'object' || value === null || !(key in value)) return token
      value = (value as Record<string, unknown>)[key]
    }
    return typeof value === 'string' ? value : inspect(value, { depth: 1, breakLength: Infinity })
  })
}
