import { quoter } from '../shared/names.ts'

const quote = quoter('`')

/** A name as SQL. */
export function name(identifier: string): string {
  return quote(identifier)
}

/** Text as SQL, in the sql_mode of our sessions. */
export function text(value: string): string {
  return `'${value.replaceAll(/['\\]/g, String.raw`\$&`)}'`
}

/** A list of expressions, names or values. */
export function list(items: readonly string[]): string {
  return items.join(', ')
}
