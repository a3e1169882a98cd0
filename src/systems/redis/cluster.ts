import type { Connection } from './connection.ts'
import type { Place } from './place.ts'
import type { Reply } from './resp.ts'

const SLOTS = 16_384

/** One master of a Cluster, and a tag that makes a key belong to it. */
export interface Master {
  readonly place: Place
  readonly tag: string
}

/** The masters of a Cluster, as one of its nodes knows them. */
export async function mastersOf(connection: Connection, place: Place): Promise<readonly Master[]> {
  const masters = new Map<string, { host: string; port: number; slots: [number, number][] }>()
  for (const range of (await connection.call('CLUSTER', 'SLOTS')) as readonly (readonly Reply[])[]) {
    const [first, last, master] = range
    const [host, port] = master as readonly Reply[]
    const address = { host: String(host) || (place.host ?? 'localhost'), port: Number(port) }
    const name = `${address.host}:${address.port}`
    const known = masters.get(name) ?? { ...address, slots: [] }
    known.slots.push([Number(first), Number(last)])
    masters.set(name, known)
  }
  return [...masters.values()].map(({ host, port, slots }) => ({
    place: { ...place, host, port },
    tag: tagIn(slots),
  }))
}

function tagIn(slots: readonly (readonly [number, number])[]): string {
  for (let number = 0; ; number += 1) {
    const slot = slotOf(String(number))
    if (slots.some(([first, last]) => slot >= first && slot <= last)) return `:{${number}}`
  }
}

/** CRC16 (XMODEM) of a key's tag, modulo the number of slots: Appendix A of the Redis Cluster specification. */
function slotOf(tag: string): number {
  let crc = 0
  for (const byte of Buffer.from(tag)) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1
    crc &= 0xffff
  }
  return crc % SLOTS
}
