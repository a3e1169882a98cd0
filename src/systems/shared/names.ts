import { VenomError } from '../../errors.ts'

/** How long a name may be. */
export interface NameLimit {
  readonly length: number
  readonly unit: 'bytes' | 'characters'
}

/**
 * A function that quotes names between two marks, each mark in a name twice.
 *
 * It throws `BAD_ARGUMENT` for what no server can take, and for names over the limit, which some servers cut without
 * a word.
 */
export function quoter(mark: string, limit?: NameLimit): (...path: readonly string[]) => string {
  const quoted = (name: string): string => {
    const whole = required(name, limit)
    return mark + (whole.includes(mark) ? whole.replaceAll(mark, mark + mark) : whole) + mark
  }
  return (...path) => {
    if (path.length === 0) throw badName('', 'it is empty')
    return path.length === 1 ? quoted(path[0]!) : path.map(quoted).join('.')
  }
}

function required(name: string, limit: NameLimit | undefined): string {
  if (name.includes('\0')) throw badName(name, 'it holds a NUL')
  // SQLite has tables and columns without a name, and no limit.
  if (limit === undefined) return name
  if (name === '') throw badName(name, 'it is empty')
  const length = limit.unit === 'bytes' ? Buffer.byteLength(name) : Array.from(name).length
  if (length > limit.length) throw badName(name, `it has ${length} ${limit.unit}, and may have ${limit.length}`)
  return name
}

function badName(name: string, why: string): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    `${JSON.stringify(name)} cannot be the name of anything: ${why}.\n` +
      'A server would refuse it, or cut it and mean something else.\n' +
      'Use another name; two long names that begin alike are often one and the same once they are cut.',
  )
}
