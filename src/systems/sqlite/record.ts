import { varint } from './btree.ts'

/** A value as it is stored: an INTEGER is a bigint, a REAL a number, so that 1 and 1.0 differ. */
export type Stored = null | bigint | number | string | Buffer

/** The text encoding of a database, as its header has it. */
export type Encoding = 1 | 2 | 3

/** The values of a row or key, https://sqlite.org/fileformat2.html#record_format */
export function valuesOf(record: Buffer, encoding: Encoding): Stored[] {
  const header = varint(record, 0)
  const values: Stored[] = []
  let body = Number(header.value)
  for (let at = header.next; at < Number(header.value);) {
    const type = varint(record, at)
    at = type.next
    const kind = Number(type.value)
    const length = lengthOf(kind)
    values.push(valueOf(record.subarray(body, body + length), kind, encoding))
    body += length
  }
  return values
}

function lengthOf(kind: number): number {
  if (kind >= 12) return (kind - 12 - (kind % 2)) / 2
  return [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0][kind]!
}

function valueOf(bytes: Buffer, kind: number, encoding: Encoding): Stored {
  if (kind === 0) return null
  if (kind <= 5) return BigInt(bytes.readIntBE(0, bytes.length))
  if (kind === 6) return bytes.readBigInt64BE(0)
  if (kind === 7) return bytes.readDoubleBE(0)
  if (kind === 8) return 0n
  if (kind === 9) return 1n
  if (kind % 2 === 0) return Buffer.from(bytes)
  if (encoding === 1) return bytes.toString('utf8')
  const text = Buffer.from(bytes.subarray(0, bytes.length - (bytes.length % 2)))
  return (encoding === 2 ? text : text.swap16()).toString('utf16le')
}
