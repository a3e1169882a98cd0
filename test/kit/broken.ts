import type { LawName } from '../../src/kit/index.ts'
import { inspect } from 'node:util'
import { observation, type Rollbackable, type Row } from '../../src/rollbackable.ts'
import { type Toy, toySystem, type ToyState, type ToySystem } from './toy.ts'

/** A system with one fault, and the law that must find it. */
export interface Broken {
  readonly fails: LawName
  readonly make: (toy: Toy) => Rollbackable
}

/** A good system with one member replaced. */
function spoilt(fails: LawName, spoil: (system: ToySystem, toy: Toy) => Partial<Rollbackable>): Broken {
  return {
    fails,
    make: (toy) => {
      const system = toySystem(toy)
      return { ...system, ...(spoil(system, toy) as Partial<ToySystem>) }
    },
  }
}

/** A system that tells nothing of its state, so that only the data shows its fault, and one member of it replaced. */
function silent(fails: LawName, spoil: (system: ToySystem, toy: Toy) => Partial<Rollbackable>): Broken {
  return {
    fails,
    make: (toy) => {
      const good = toySystem(toy)
      const { changes: _, observe: __, ...system } = good
      return { ...system, ...(spoil(good, toy) as Partial<ToySystem>) }
    },
  }
}

/** A rollback that keeps a part of what was there before it. */
function keepsSome(fails: LawName, mend: (now: ToyState, then: ToyState) => void): Broken {
  return silent(fails, (system, toy) => ({
    async rollback(mark) {
      const then = toy.copy()
      await system.rollback(mark as string)
      mend(toy.state, then)
    },
  }))
}

/** A system whose changes list a written key also where nothing is different from what it was at the mark. */
function listsToo(which: (toy: Toy, key: string) => boolean): Broken {
  return spoilt('changes() lists exactly what changed', (system, toy) => ({
    async checkpoint(name) {
      toy.written.length = 0
      return system.checkpoint(name)
    },
    async changes(since) {
      const changes = await system.changes(since as string)
      const row = (key: string): Row => ({ key, value: toy.state.entries.get(key) ?? 'gone' })
      const rows = toy.written
        .filter((key) => which(toy, key) && key !== 'gone' && !inspect(changes).includes(`'${key}'`))
        .map(row)
      return rows.length > 0 ? [...changes, { table: 'kv', inserted: [], updated: [], deleted: rows }] : changes
    },
  }))
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

export const broken: Readonly<Record<string, Broken>> = {
  'never rolls back': silent('undoes an insert, an update and a delete', () => ({ rollback: async () => {} })),
  'tells that it never rolls back': spoilt('undoes an insert, an update and a delete', () => ({
    rollback: async () => {},
  })),
  'forgets deletes': keepsSome('undoes an insert, an update and a delete', (now, then) => {
    for (const key of now.entries.keys()) if (!then.entries.has(key)) now.entries.delete(key)
  }),
  'forgets inserts': keepsSome('undoes an insert, an update and a delete', (now, then) => {
    for (const [key, value] of then.entries) if (!now.entries.has(key)) now.entries.set(key, value)
  }),
  'forgets updates': keepsSome('undoes an insert, an update and a delete', (now, then) => {
    for (const key of now.entries.keys()) if (then.entries.has(key)) now.entries.set(key, then.entries.get(key)!)
  }),
  'does not wait for its own rollback': silent('undoes an insert, an update and a delete', (system) => ({
    async rollback(mark) {
      void sleep(20).then(() => system.rollback(mark as string).catch(() => undefined))
    },
  })),
  'has marks that are good once': silent('a mark serves any number of branches', (system) => {
    const used = new Set<unknown>()
    return {
      async rollback(mark) {
        if (!used.has(mark)) await system.rollback(mark as string)
        used.add(mark)
      },
    }
  }),
  'leaks into the next branch': keepsSome('a mark serves any number of branches', (now, then) => {
    const newest = [...then.entries.keys()].at(-1)
    if (newest === 'second') now.entries.set('second', '1')
  }),
  'always goes to the first mark': silent('an inner rollback keeps what the outer branch wrote', (system) => {
    let first: string | undefined
    return {
      async checkpoint(name) {
        const mark = await system.checkpoint(name)
        first ??= mark
        return mark
      },
      rollback: () => system.rollback(first!),
    }
  }),
  'commits when it rolls back': silent('an inner rollback keeps what the outer branch wrote', (system, toy) => ({
    async rollback(mark) {
      await system.rollback(mark as string)
      for (const earlier of toy.ours.keys()) toy.ours.set(earlier, toy.copy())
    },
  })),
  'undoes twice what is rolled back twice': silent('rolling back twice is rolling back once', (system) => {
    let last: unknown
    return {
      async rollback(mark) {
        await system.rollback(mark === last ? 'vq_1' : (mark as string))
        last = mark
      },
    }
  }),
  'cannot roll back over nothing': spoilt('a branch that writes nothing changes nothing', (system) => ({
    async rollback(mark) {
      if ((await system.changes(mark as string)).length === 0) throw new Error('there is nothing to undo')
      await system.rollback(mark as string)
    },
  })),
  'wears out after a hundred rollbacks': silent('hundreds of branches hold on one mark', (system) => {
    let rollbacks = 0
    return {
      async rollback(mark) {
        if (++rollbacks > 100) throw new Error('too many subtransactions')
        await system.rollback(mark as string)
      },
    }
  }),
  'rolls back when a mark is released': silent('releasing a mark keeps the state', (system) => ({
    async release(mark) {
      await system.rollback(mark as string)
    },
  })),
  'forgets with a released mark what came before it': silent('releasing a mark keeps the state', (system, toy) => ({
    async release(mark) {
      toy.ours.set('vq_1', toy.copy())
      toy.ours.set('vq_2', toy.copy())
      await system.release(mark as string)
    },
  })),
  'cuts names to 63 characters': silent('marks survive hostile names', (_, toy) => ({
    async checkpoint(name) {
      toy.ours.set(name.slice(0, 63), toy.copy())
      return name.slice(0, 63)
    },
    async rollback(mark) {
      toy.set(toy.ours.get(mark as string)!)
    },
  })),
  'does not quote names': silent('marks survive hostile names', (system) => ({
    async checkpoint(name) {
      if (!/^\w+( \w+)*$/.test(name)) throw new Error(`syntax error at or near "${name}"`)
      return system.checkpoint(name)
    },
  })),
  'says that it is a tree and forgets': silent('marks made after the one gone back to stay', () => ({ kind: 'tree' })),
  'takes an empty value for none': keepsSome('keeps values exactly: empty, unicode, very long', (now) => {
    for (const [key, value] of now.entries) if (value === '') now.entries.delete(key)
  }),
  'loses an empty value that was deleted': keepsSome('keeps values exactly: empty, unicode, very long', (now, then) => {
    for (const [key, value] of now.entries) if (value === '' && !then.entries.has(key)) now.entries.delete(key)
  }),
  'keeps what came in place of an empty value': keepsSome(
    'keeps values exactly: empty, unicode, very long',
    (now, then) => {
      for (const [key, value] of now.entries) if (value === '') now.entries.set(key, then.entries.get(key) ?? '')
    },
  ),
  'cuts long values': keepsSome('keeps values exactly: empty, unicode, very long', (now) => {
    for (const [key, value] of now.entries) now.entries.set(key, value.slice(0, 65_535))
  }),
  'normalises unicode': keepsSome('keeps values exactly: empty, unicode, very long', (now) => {
    for (const [key, value] of now.entries) now.entries.set(key, value.normalize('NFC'))
  }),
  'brings back the first five hundred rows': keepsSome('rolls back a thousand rows and a megabyte value', (now) => {
    for (const key of [...now.entries.keys()].slice(500)) now.entries.delete(key)
  }),
  'keeps one state for all stores': (() => {
    const shared: { state?: ToyState } = {}
    return silent('two runs side by side do not see each other', (_, toy) => ({
      async checkpoint() {
        shared.state = toy.copy()
      },
      async rollback() {
        toy.set(shared.state!)
      },
    }))
  })(),
  'undoes only what its own connection wrote': silent('undoes what another connection wrote', (system, toy) => ({
    async rollback(mark) {
      await system.rollback(mark as string)
      for (const [key, value] of toy.byOther) toy.state.entries.set(key, value)
    },
  })),
  'is stopped by a refused write': silent('rolls back after the store refused a write', (system, toy) => ({
    async rollback(mark) {
      if (toy.aborted) throw new Error('current transaction is aborted')
      await system.rollback(mark as string)
    },
  })),
  'loses its marks when a write is refused': silent('a mark outlives a refused write', (system, toy) => ({
    async rollback(mark) {
      await system.rollback(mark as string)
      if (toy.aborted) for (const earlier of toy.ours.keys()) toy.ours.set(earlier, toy.copy())
    },
  })),
  'waits for the dead': silent('an application killed in mid-transaction is undone', (system, toy) => ({
    async rollback(mark) {
      if (toy.open.size > 0) throw new Error('lock wait timeout')
      await system.rollback(mark as string)
    },
  })),
  'tears a write that was in flight': silent(
    'a write in flight at the checkpoint is kept or undone as a whole',
    (system, toy) => {
      const half = new Map<string, Map<string, string>>()
      return {
        async checkpoint(name) {
          const mark = await system.checkpoint(name)
          half.set(mark, new Map([...toy.open].flatMap((writes) => [...writes])))
          return mark
        },
        async rollback(mark) {
          await system.rollback(mark as string)
          for (const [key, value] of half.get(mark as string)!) toy.state.entries.set(key, value)
        },
      }
    },
  ),
  'keeps what was given up': silent('a write given up in flight leaves no trace', (system, toy) => {
    const seen = new Map<string, string>()
    return {
      async checkpoint(name) {
        for (const writes of toy.open) for (const [key, value] of writes) seen.set(key, value)
        return system.checkpoint(name)
      },
      async rollback(mark) {
        await system.rollback(mark as string)
        for (const [key, value] of seen) toy.state.entries.set(key, value)
      },
    }
  }),
  'undoes half of a write in flight': silent(
    'a write in flight at the rollback is undone, refused or comes after it, as a whole',
    (system, toy) => ({
      async rollback(mark) {
        for (const writes of toy.open) writes.delete('one')
        await system.rollback(mark as string)
      },
    }),
  ),
  'drops connections': spoilt('connections of the application stay open', (system, toy) => ({
    async rollback(mark) {
      await system.rollback(mark as string)
      toy.connections.delete(2)
    },
  })),
  'does not undo a change of schema': keepsSome('undoes a change of schema', (now, then) => {
    for (const object of then.objects) now.objects.add(object)
  }),
  'leaves what was created': keepsSome('what was created since the mark is gone again', (now, then) => {
    if (then.objects.has('created(id)')) now.objects.add('created(id)')
  }),
  'gives other ids though it declares the same': keepsSome('gives the same generated id again', (now, then) => {
    now.sequence = then.sequence
  }),
  'makes everything last for ever': keepsSome('keeps the time left before expiry', (now) => now.expiries.clear()),
  'gives the whole time again': keepsSome('keeps the time left before expiry', (now) => {
    for (const key of now.expiries.keys()) now.expiries.set(key, Date.now() + 120_000)
  }),
  'lets nothing last for ever': keepsSome('keeps the time left before expiry', (now, then) => {
    for (const [key, at] of then.expiries) now.expiries.set(key, now.expiries.get(key) ?? at)
  }),
  'lets things expire too soon': keepsSome('keeps the time left before expiry', (now) => {
    for (const key of now.expiries.keys()) now.expiries.set(key, Date.now() + 1000)
  }),
  'leaves its marks behind': spoilt('leaves nothing behind', () => ({ close: async () => {} })),
  'lists no changes': spoilt('changes() lists exactly what changed', () => ({ changes: async () => [] })),
  'always lists a change': spoilt('changes() lists exactly what changed', () => ({
    changes: async () => [{ table: 'kv', inserted: [{ key: 'x' }], updated: [], deleted: [] }],
  })),
  'lists one change too many': spoilt('changes() lists exactly what changed', (system) => ({
    async changes(since) {
      const changes = await system.changes(since as string)
      return changes.length > 0
        ? [...changes, { table: 'audit', inserted: [{ key: 'x' }], updated: [], deleted: [] }]
        : []
    },
  })),
  'lists values that are not there': spoilt('changes() lists exactly what changed', (system) => ({
    async changes(since) {
      return (await system.changes(since as string)).map((change) => ({
        ...change,
        updated: change.updated.map(({ after }) => ({ before: after, after })),
      }))
    },
  })),
  'lists what was put back as it was': listsToo((toy, key) => toy.state.entries.has(key)),
  'lists what came and went': listsToo((toy, key) => !toy.state.entries.has(key)),
  'observes keys only': spoilt('observe() is equal if and only if the data is equal', (_, toy) => ({
    observe: async () => ({ system: 'toy', data: [...toy.state.entries.keys()].toSorted() }),
  })),
  'observes what was there before the rollback': spoilt(
    'observe() is equal if and only if the data is equal',
    (system, toy) => {
      let seen = { writes: -1, observation: observation('toy', {}) }
      return {
        async observe() {
          const writes = toy.written.length
          if (seen.writes !== writes) seen = { writes, observation: await system.observe() }
          return seen.observation
        },
      }
    },
  ),
  'observes counts': spoilt('observe() is equal if and only if the data is equal', (_, toy) => ({
    observe: async () => ({ system: 'toy', data: { kv: toy.state.entries.size } }),
  })),
  'observes the clock': {
    fails: 'observe() is equal if and only if the data is equal',
    make: (toy) => {
      let looks = 0
      return { ...toySystem(toy), observe: async () => ({ system: 'toy', data: [++looks, ...toy.state.entries] }) }
    },
  },
  'observes the order of writing': spoilt('observe() is equal if and only if the data is equal', (_, toy) => ({
    observe: async () => ({ system: 'toy', data: [...toy.state.entries] }),
  })),
  'observes its own live data': spoilt('observe() hands out plain data of its own', (_, toy) => ({
    observe: async () => ({ system: 'toy', data: toy.state.entries }),
  })),
  'observes things that are no plain data': spoilt('observe() hands out plain data of its own', (_, toy) => ({
    observe: async () => ({ system: 'toy', data: [...toy.state.entries.values()].map((value) => new Error(value)) }),
  })),
  'does not empty anything': silent('reset() empties the store, and a rollback brings all back', () => ({
    reset: async () => {},
  })),
  'cannot come back from a reset': silent('reset() empties the store, and a rollback brings all back', (_, toy) => ({
    async reset() {
      toy.state.entries.clear()
      for (const mark of toy.ours.keys()) toy.ours.set(mark, toy.copy())
    },
  })),
  'goes wrong from the fourth mark on': silent('behaves as a stack of copies under any program', (system, toy) => ({
    async rollback(mark) {
      const deep = toy.ours.size > 5
      await system.rollback(mark as string)
      if (deep) toy.state.entries.delete('b')
    },
  })),
}
