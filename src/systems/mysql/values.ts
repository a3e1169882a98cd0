import type { Row } from '../../rollbackable.ts'
import type { Column } from './catalog.ts'
import type { RawRow } from './session.ts'
import { name } from './sql.ts'

const NUMBERS = ['tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'year', 'float', 'double']
const BYTES = ['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob', 'bit', 'vector']
const SHAPES = ['geometry', 'point', 'linestring', 'polygon', 'multipoint', 'multilinestring', 'multipolygon']
const SHAPES_TOO = ['geometrycollection', 'geomcollection']

/** A column of the table or image `of`, as it must be selected to be told exactly. */
export function selected(of: string, { kind }: Column, as: string): string {
  // As text a FLOAT has six digits, so that two different ones can look the same.
  return kind === 'float' ? `CAST(${of}.${name(as)} AS DOUBLE)` : `${of}.${name(as)}`
}

/**
 * What a value looks like to people and as identity: whole numbers as numbers while they are exact, else as text, as
 * decimals, dates, times and JSON are; bytes as Buffers.
 */
export function value({ kind }: Column, raw: Buffer | null): unknown {
  if (raw === null) return null
  if (BYTES.includes(kind) || SHAPES.includes(kind) || SHAPES_TOO.includes(kind)) return Buffer.from(raw)
  const text = raw.toString('utf8')
  if (!NUMBERS.includes(kind)) return text
  const number = Number(text)
  if (kind === 'float') return shortest(number)
  return Number.isSafeInteger(number) || kind === 'double' ? number : text
}

/** The row of these columns. */
export function rowOf(columns: readonly Column[], raw: RawRow): Row {
  return Object.fromEntries(columns.map((column, i) => [column.name, value(column, raw[i] ?? null)]))
}

/** The number with the fewest digits that is this FLOAT: 0.1 and not 0.10000000149011612. */
function shortest(float: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(float.toPrecision(digits))
    if (Math.fround(short) === float) return short
  }
  return float
}
