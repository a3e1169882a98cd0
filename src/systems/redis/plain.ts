import { type Image, kindOf } from './image.ts'

/** Behind the value: two bytes of version, eight of checksum. */
const FOOTER = 10
/** A string that was pressed together takes long to unpack here: longer ones are left to the server. */
const MAX_UNPACKED = 16_384

/**
 * The text of a string that never expires, so that MSET can write it, which costs the server a third of a RESTORE;
 * undefined for everything else. See rdbLoadLenByRef and rdbGenericLoadStringObject in rdb.c.
 */
export function plainText(image: Image): string | undefined {
  if (image.deadline !== null || kindOf(image) !== 'string') return undefined
  const { payload } = image
  const end = payload.length - FOOTER
  const first = payload[1] ?? 0
  if (first === INT8) return String(payload.readInt8(2))
  if (first === INT16) return String(payload.readInt16LE(2))
  if (first === INT32) return String(payload.readInt32LE(2))
  if (first === PACKED) return unpacked(payload, end)
  const length = lengthAt(payload, 1)
  return length && length.next + length.value === end ? payload.toString('latin1', length.next, end) : undefined
}

const INT8 = 0xc0
const INT16 = 0xc1
const INT32 = 0xc2
const PACKED = 0xc3

/** A length, in one byte, two, or five; undefined for any other encoding. */
function lengthAt(bytes: Buffer, at: number): { readonly value: number; readonly next: number } | undefined {
  const first = bytes[at] ?? 0
  if (first < 0x40) return { value: first, next: at + 1 }
  if (first < 0x80) return { value: ((first & 0x3f) << 8) | (bytes[at + 1] ?? 0), next: at + 2 }
  return first === 0x80 ? { value: bytes.readUInt32BE(at + 1), next: at + 5 } : undefined
}

/** Undoes lzf_compress (lzf_d.c): runs of plain bytes, and copies of what stands before. */
function unpacked(bytes: Buffer, end: number): string | undefined {
  const packed = lengthAt(bytes, 2)
  const length = packed && lengthAt(bytes, packed.next)
  if (!length || length.value > MAX_UNPACKED || length.next + packed.value !== end) return undefined
  const out = Buffer.allocUnsafe(length.value)
  let to = 0
  for (let at = length.next; at < end;) {
    const control = bytes[at++] ?? 0
    if (control < 0x20) {
      to += bytes.copy(out, to, at, at + control + 1)
      at += control + 1
      continue
    }
    const more = control >> 5 === 7 ? (bytes[at++] ?? 0) : 0
    const count = (control >> 5) + more + 2
    const from = to - ((control & 0x1f) << 8) - (bytes[at++] ?? 0) - 1
    if (from < 0 || to + count > out.length) return undefined
    // One by one: what is copied may reach into what was just written.
    for (let index = 0; index < count; index += 1) out[to + index] = out[from + index] ?? 0
    to += count
  }
  return to === out.length ? out.toString('latin1') : undefined
}
