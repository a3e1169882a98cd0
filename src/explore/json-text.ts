/** A text that holds JSON, as a column of PostgreSQL or a value of Redis does. */
export interface JsonText {
  /** What it holds. */
  readonly value: object
  /** Another value as text, in the same format. */
  write(value: unknown): string
}

/** What a text holds, if it is a JSON object or array from which the very same text can be written again; else it is a text. */
export function jsonTextOf(text: unknown): JsonText | undefined {
  if (typeof text !== 'string' || !/^(?:\{".*\}|\[.+\])$/s.test(text)) return undefined
  try {
    const value = JSON.parse(text) as object
    const write = [compact, spaced].find((format) => format(value) === text)
    return write && { value, write }
  } catch {
    return undefined
  }
}

/** As JSON.stringify writes it, hence most applications. */
function compact(value: unknown): string {
  return JSON.stringify(value)
}

/** As PostgreSQL's jsonb, MySQL and Python write it. */
function spaced(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(spaced).join(', ')}]`
  return `{${Object.entries(value)
    .map(([name, member]) => `${JSON.stringify(name)}: ${spaced(member)}`)
    .join(', ')}}`
}
