import { badConfig } from './refusal.ts'

/** The variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * Replaces `${NAME}` and `${NAME:-default}` in every text of a configuration. The default stands for a variable that is
 * not set or empty, as in a shell; `$${` is a plain `${`.
 *
 * Throws `BAD_CONFIG` for a variable that is not set and has no default, and for what is neither.
 */
export function interpolated(value: unknown, env: Environment, where: string): unknown {
  if (typeof value === 'string') return inText(value, env, where)
  if (Array.isArray(value)) return value.map((item, i) => interpolated(item, env, `${where}[${i}]`))
  if (!isPlain(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      interpolated(item, env, where === '' ? name : `${where}.${name}`),
    ]),
  )
}

/** A Buffer or a function of a configuration in code is taken as it is. */
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function inText(text: string, env: Environment, where: string): string {
  return text.replaceAll(/\$\$\{|\$\{([^}]*)\}?/g, (found, inner: string | undefined) => {
    if (inner === undefined) return '${'
    const [, name, fallback] = /^([A-Za-z_]\w*)(?::-([^]*))?$/.exec(inner) ?? []
    if (name === undefined || !found.endsWith('}')) {
      throw badConfig(
        `${where} has "\${${inner.split(/\W/, 1)[0]}…", which is neither \${NAME} nor \${NAME:-default}.`,
        'What stands there would be taken as it is, as a part of the value.',
        'Write one of the two, or $${ for a plain ${.',
      )
    }
    const value = env[name] === '' ? undefined : env[name]
    if (value !== undefined || fallback !== undefined) return value ?? fallback!
    throw badConfig(
      `${where} needs the environment variable ${name}, which is not set.`,
      'The value would have a hole in it.',
      `Set ${name}, or give it a default: \${${name}:-…}.`,
    )
  })
}
