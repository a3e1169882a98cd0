import type { Pages } from './pages.ts'

/** One row or key as it is stored, https://sqlite.org/fileformat2.html#b_tree_pages */
export interface Cell {
  /** Of a row in a table with rowids. */
  readonly rowid: number | bigint
  readonly payload: Buffer
  /** The pages that the payload goes on in. */
  readonly overflow: readonly number[]
}

const INDEX_INTERIOR = 2
const TABLE_INTERIOR = 5
const INDEX_LEAF = 10

/** Reads the trees of a database at one moment. */
export class Trees {
  readonly pages: Pages
  readonly #usable: number

  constructor(pages: Pages) {
    this.pages = pages
    const first = pages.count > 0 ? pages.page(1) : Buffer.alloc(100)
    this.#usable = first.length - first[20]!
  }

  /** How many levels are above the leaves: 0 when the root is one. */
  depth(root: number): number {
    let depth = 0
    for (let page = root; ; depth++) {
      const [first] = this.children(page)
      if (first === undefined) return depth
      page = first
    }
  }

  /** The pages below `number`, in order; none for a leaf. */
  children(number: number): number[] {
    const page = this.pages.page(number)
    const start = headerOf(number)
    const type = page[start]
    if (type !== INDEX_INTERIOR && type !== TABLE_INTERIOR) return []
    const children = pointers(page, start).map((at) => page.readUInt32BE(at))
    return [...children, page.readUInt32BE(start + 8)]
  }

  /** The rows or keys in a page, whole. An interior page of a table has none. */
  cells(number: number): Cell[] {
    const page = this.pages.page(number)
    const start = headerOf(number)
    const type = page[start]!
    if (type === TABLE_INTERIOR) return []
    const isIndex = type === INDEX_INTERIOR || type === INDEX_LEAF
    return pointers(page, start).map((pointer) => {
      const at = type === INDEX_INTERIOR ? pointer + 4 : pointer
      const size = varint(page, at)
      const rowid = isIndex ? { value: 0, next: size.next } : varint(page, size.next)
      return { rowid: signed(rowid.value), ...this.#payload(page, rowid.next, Number(size.value), isIndex) }
    })
  }

  /** The pages that are free. */
  free(): Set<number> {
    const free = new Set<number>()
    let trunk = this.pages.page(1).readUInt32BE(32)
    while (trunk !== 0 && !free.has(trunk)) {
      free.add(trunk)
      const page = this.pages.page(trunk)
      for (let i = 0; i < page.readUInt32BE(4); i++) free.add(page.readUInt32BE(8 + 4 * i))
      trunk = page.readUInt32BE(0)
    }
    return free
  }

  /** https://sqlite.org/fileformat2.html#cell_payload_overflow_pages */
  #payload(page: Buffer, at: number, size: number, isIndex: boolean): Pick<Cell, 'payload' | 'overflow'> {
    const usable = this.#usable
    const most = isIndex ? Math.floor(((usable - 12) * 64) / 255) - 23 : usable - 35
    if (size <= most) return { payload: page.subarray(at, at + size), overflow: [] }
    const least = Math.floor(((usable - 12) * 32) / 255) - 23
    const fitting = least + ((size - least) % (usable - 4))
    const local = fitting <= most ? fitting : least
    const parts = [page.subarray(at, at + local)]
    const overflow: number[] = []
    let left = size - local
    for (let next = page.readUInt32BE(at + local); next !== 0 && left > 0;) {
      overflow.push(next)
      const more = this.pages.page(next)
      parts.push(more.subarray(4, 4 + Math.min(left, usable - 4)))
      left -= usable - 4
      next = more.readUInt32BE(0)
    }
    return { payload: Buffer.concat(parts), overflow }
  }
}

/** The database's own header comes first on page 1. */
function headerOf(number: number): number {
  return number === 1 ? 100 : 0
}

function pointers(page: Buffer, start: number): number[] {
  const count = page.readUInt16BE(start + 3)
  const first = start + (page[start] === INDEX_INTERIOR || page[start] === TABLE_INTERIOR ? 12 : 8)
  return Array.from({ length: count }, (_, i) => page.readUInt16BE(first + 2 * i))
}

/** https://sqlite.org/fileformat2.html#varint */
export function varint(bytes: Buffer, at: number): { readonly value: number | bigint; readonly next: number } {
  let value = 0
  for (let i = 0; i < 6; i++) {
    const byte = bytes[at + i]!
    value = value * 128 + (byte & 0x7f)
    if (byte < 0x80) return { value, next: at + i + 1 }
  }
  let long = BigInt(value)
  for (let i = 6; i < 8; i++) {
    const byte = bytes[at + i]!
    long = (long << 7n) | BigInt(byte & 0x7f)
    if (byte < 0x80) return { value: long, next: at + i + 1 }
  }
  return { value: (long << 8n) | BigInt(bytes[at + 8]!), next: at + 9 }
}

function signed(value: number | bigint): number | bigint {
  if (typeof value === 'number') return value
  const whole = BigInt.asIntN(64, value)
  return whole >= Number.MIN_SAFE_INTEGER && whole <= Number.MAX_SAFE_INTEGER ? Number(whole) : whole
}
