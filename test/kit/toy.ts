import { isDeepStrictEqual } from 'node:util'
import { observation, type Change, type Observation, type Rollbackable } from '../../src/rollbackable.ts'
import type { Subject } from '../../src/kit/index.ts'

/** Everything there is in the toy store at one moment. */
export interface ToyState {
  readonly entries: Map<string, string>
  readonly expiries: Map<string, number>
  readonly objects: Set<string>
  sequence: number
}

/** A whole small database in memory, with schema, sequence, expiry, connections and transactions, for the kit's own tests. */
export class Toy {
  state: ToyState = { entries: new Map(), expiries: new Map(), objects: new Set(['kv(key, value)']), sequence: 0 }
  /** What a system keeps in the store: its marks, by the names it gave them. */
  readonly ours = new Map<string, ToyState>()
  readonly connections = new Set<number>([1, 2])
  /** The writes of each open transaction. */
  readonly open = new Set<Map<string, string>>()
  /** What was written by another connection than the application's first. */
  readonly byOther = new Map<string, string>()
  /** The keys that were written, in order. */
  readonly written: string[] = []
  /** Whether a refused write left the connection's transaction unusable. */
  aborted = false

  copy(): ToyState {
    return structuredClone(this.state)
  }

  set(state: ToyState): void {
    this.state = structuredClone(state)
  }
}

/** What a system does about a transaction that is open. */
export type InFlight = 'beside' | 'waits' | 'refuses'

/** A system that keeps every law, over a toy store. */
export interface ToySystem extends Rollbackable<string> {
  rollback(mark: string): Promise<void>
  checkpoint(name: string): Promise<string>
  changes(since: string): Promise<Change[]>
  observe(): Promise<Observation>
  release(mark: string): Promise<void>
  close(): Promise<void>
}

export function toySystem(toy: Toy, kind: 'stack' | 'tree' = 'stack', inFlight: InFlight = 'beside'): ToySystem {
  let marks = 0
  const quiet = async (): Promise<void> => {
    while (inFlight === 'waits' && toy.open.size > 0) await new Promise((resolve) => setTimeout(resolve, 1))
    if (inFlight !== 'refuses' || toy.open.size === 0) return
    await new Promise((resolve) => setTimeout(resolve, 10))
    if (toy.open.size > 0) throw new Error('a transaction is open')
  }
  return {
    kind,
    restores: { data: true, generatedIds: true, schema: true, createdObjects: true, expiry: true },
    async checkpoint() {
      await quiet()
      const mark = `vq_${++marks}`
      toy.ours.set(mark, toy.copy())
      return mark
    },
    async rollback(mark) {
      await quiet()
      const state = toy.ours.get(mark)
      if (!state) throw new Error(`no mark ${mark}`)
      toy.set(state)
      const later = [...toy.ours.keys()].filter((other) => kind === 'stack' && numberOf(other) > numberOf(mark))
      for (const other of later) toy.ours.delete(other)
    },
    async changes(since) {
      return changesBetween(toy.ours.get(since)!.entries, toy.state.entries)
    },
    async observe() {
      return observation('toy', Object.fromEntries(toy.state.entries))
    },
    async release(mark) {
      toy.ours.delete(mark)
    },
    async reset() {
      toy.state.entries.clear()
    },
    async close() {
      toy.ours.clear()
    },
  }
}

/** A subject with every verb, so that every law runs. */
export function toySubject(make: (toy: Toy) => Rollbackable = (toy) => toySystem(toy)): Required<Subject> {
  const toy = new Toy()
  const write = {
    put: (key: string, value: string): void => {
      toy.written.push(key)
      toy.state.entries.set(key, value)
      toy.state.expiries.delete(key)
    },
    remove: (key: string): void => {
      toy.written.push(key)
      toy.state.entries.delete(key)
      toy.state.expiries.delete(key)
    },
  }
  return {
    system: make(toy),
    ...write,
    other: {
      put: (key, value) => {
        write.put(key, value)
        toy.byOther.set(key, value)
      },
      remove: write.remove,
    },
    all: () => Object.fromEntries(toy.state.entries),
    putMany: (entries) => {
      for (const [key, value] of Object.entries(entries)) write.put(key, value)
    },
    fail: () => {
      toy.aborted = true
      throw new Error('duplicate key')
    },
    begin: () => {
      const writes = new Map<string, string>()
      toy.open.add(writes)
      return {
        put: (key, value) => void writes.set(key, value),
        commit: () => {
          for (const [key, value] of writes) write.put(key, value)
          toy.open.delete(writes)
        },
        rollback: () => void toy.open.delete(writes),
      }
    },
    crash: () => {
      const writes = new Map([['crashed', '1']])
      toy.open.add(writes)
      // The store finds out that the other side is gone a moment later.
      setTimeout(() => toy.open.delete(writes), 5)
    },
    connections: () => [...toy.connections].join(),
    shape: () => [...toy.state.objects].sort().join(),
    reshape: () => void toy.state.objects.add('kv.added'),
    create: () => void toy.state.objects.add('created(id)'),
    generate: () => String(++toy.state.sequence),
    expire: {
      set: (key, ms) => void toy.state.expiries.set(key, Date.now() + ms),
      left: (key) => {
        const at = toy.state.expiries.get(key)
        return at === undefined ? undefined : at - Date.now()
      },
    },
    leftovers: () => [...toy.ours.keys()],
    dispose: () => toy.state.entries.clear(),
  }
}

const numberOf = (mark: string): number => Number(mark.slice(3))

function changesBetween(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): Change[] {
  const row = (key: string, from: ReadonlyMap<string, string>) => ({ key, value: from.get(key) })
  const keys = [...new Set([...before.keys(), ...after.keys()])].filter(
    (key) => !isDeepStrictEqual(before.get(key), after.get(key)),
  )
  const change: Change = {
    table: 'kv',
    inserted: keys.filter((key) => !before.has(key)).map((key) => row(key, after)),
    updated: keys
      .filter((key) => before.has(key) && after.has(key))
      .map((key) => ({ before: row(key, before), after: row(key, after) })),
    deleted: keys.filter((key) => !after.has(key)).map((key) => row(key, before)),
  }
  return keys.length > 0 ? [change] : []
}
