import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import type { Awaitable, Change, Restores } from '../rollbackable.ts'
import type { WorldMark } from '../world.ts'
import { assertListed } from './listed.ts'
import { entriesOf, openWorld, same, type StoreWorld, type Subject } from './subject.ts'

/** What some laws need of a subject: one of its optional verbs, or an optional member of its system. */
export type Need =
  | 'fail'
  | 'other'
  | 'begin'
  | 'crash'
  | 'connections'
  | 'reshape'
  | 'create'
  | 'generate'
  | 'expire'
  | 'leftovers'
  | SystemNeed
type SystemNeed = 'system.changes' | 'system.observe' | 'system.reset' | "system.kind 'tree'"

/** What a law may use beside its subject and world. */
export interface Around {
  readonly open: () => Awaitable<Subject>
  /** The laws that are declared not to hold. */
  readonly except: ReadonlySet<string>
  /** How many random programs run. */
  readonly runs: number
  /** How long the law may take, in ms. */
  readonly timeout: number
}

/** One law: what it needs, and the check that throws when it does not hold. */
export interface LawCheck {
  readonly needs?: Need
  readonly check: (subject: Subject, world: StoreWorld, around: Around) => Promise<void>
}

type Verb = Exclude<Need, SystemNeed>
type With<K extends keyof Subject> = Subject & Required<Pick<Subject, K>>

/** A law for subjects that have `verb`; it is never called for others. */
function needing<K extends Verb>(verb: K, check: (subject: With<K>, world: StoreWorld) => Promise<void>): LawCheck {
  return { needs: verb, check: (subject, world) => check(subject as With<K>, world) }
}

/** Which law proves a declared capability. */
const PROOFS: Readonly<Partial<Record<keyof Restores, Verb>>> = {
  generatedIds: 'generate',
  schema: 'reshape',
  createdObjects: 'create',
  expiry: 'expire',
}

/** What every system keeps. Each law reads as a sentence, and its name is the name of its test. */
export const checks = {
  'undoes an insert, an update and a delete': {
    async check(s, world) {
      await s.put('kept', 'old')
      await s.put('gone', 'old')
      const mark = await world.checkpoint('mark')
      await s.put('new', '1')
      await s.put('kept', 'changed')
      await s.remove('gone')
      await holds(s, { kept: 'changed', new: '1' }, 'The branch must see what it wrote.')
      await world.rollback(mark)
      await holds(s, { gone: 'old', kept: 'old' }, 'After the rollback the data is not what it was at the mark.')
    },
  },
  'a mark serves any number of branches': {
    async check(s, world) {
      await s.put('kept', 'old')
      const mark = await world.checkpoint('mark')
      for (const branch of ['first', 'second', 'third']) {
        await s.put('kept', branch)
        await s.put(branch, '1')
        await holds(s, { kept: branch, [branch]: '1' }, `The ${branch} branch sees what is not its own.`)
        await world.rollback(mark)
        await holds(s, { kept: 'old' }, `After the ${branch} rollback to the same mark the data is not what it was.`)
      }
    },
  },
  'hundreds of branches hold on one mark': {
    async check(s, world) {
      await s.put('kept', 'old')
      const mark = await world.checkpoint('mark')
      for (let branch = 1; branch <= 200; branch++) {
        await (branch % 2 ? s.put('kept', String(branch)) : s.remove('kept'))
        await world.rollback(mark)
        if (branch % 50 === 0) await holds(s, { kept: 'old' }, `After branch ${branch} the data is not what it was.`)
      }
    },
  },
  'an inner rollback keeps what the outer branch wrote': {
    async check(s, world) {
      const outer = await world.checkpoint('outer')
      await s.put('outer', '1')
      await s.put('both', 'outer')
      const inner = await world.checkpoint('inner')
      await s.put('inner', '1')
      await s.put('both', 'inner')
      await world.rollback(inner)
      await holds(s, { both: 'outer', outer: '1' }, 'After the inner rollback the outer branch is not what it was.')
      await s.remove('outer')
      await world.rollback(inner)
      await holds(
        s,
        { both: 'outer', outer: '1' },
        'After a second inner rollback the outer branch is not what it was.',
      )
      await world.rollback(outer)
      await holds(s, {}, 'After the outer rollback something of its branch is left.')
    },
  },
  'rolling back twice is rolling back once': {
    async check(s, world) {
      await s.put('kept', 'old')
      const mark = await world.checkpoint('mark')
      await s.put('kept', 'new')
      await world.rollback(mark)
      await world.rollback(mark)
      await holds(s, { kept: 'old' }, 'A second rollback in a row changed the data.')
    },
  },
  'a branch that writes nothing changes nothing': {
    async check(s, world) {
      await world.rollback(await world.checkpoint('empty'))
      await holds(s, {}, 'A rollback over nothing changed an empty store.')
      await s.put('kept', 'old')
      const mark = await world.checkpoint('mark')
      await world.rollback(mark)
      await world.rollback(await world.checkpoint('the same moment'))
      await holds(s, { kept: 'old' }, 'A rollback over nothing changed the data.')
    },
  },
  'releasing a mark keeps the state': {
    async check(s, world) {
      const outer = await world.checkpoint('outer')
      await s.put('kept', '1')
      const inner = await world.checkpoint('inner')
      await s.put('later', '1')
      await world.release(inner)
      await holds(s, { kept: '1', later: '1' }, 'Releasing a mark changed the data.')
      await s.put('kept', '2')
      const again = await world.checkpoint('inner')
      await s.remove('kept')
      await world.rollback(again)
      await holds(s, { kept: '2', later: '1' }, 'A mark made after a released one does not hold.')
      await world.rollback(outer)
      await holds(s, {}, 'What was written before a released mark outlives the rollback to an earlier one.')
    },
  },
  'rolls back a thousand rows and a megabyte value': {
    async check(s, world) {
      const entries = (value: string): Record<string, string> =>
        Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`row ${i}`, value]))
      const before = { ...entries('old'), long: 'x'.repeat(1_000_000) }
      await putAll(s, before)
      const mark = await world.checkpoint('mark')
      await putAll(s, { ...entries('new'), another: 'y'.repeat(1_000_000), long: 'short' })
      for (let i = 0; i < 100; i++) await s.remove(`row ${i}`)
      await world.rollback(mark)
      const after = await entriesOf(s)
      const differing = Object.keys({ ...before, ...after }).filter(
        (key) => after[key] !== (before as Record<string, string>)[key],
      )
      same(differing, [], 'After the rollback these entries are not what they were.')
    },
  },
  'keeps values exactly: empty, unicode, very long': {
    async check(s, world) {
      const before = { ...VALUES }
      await putAll(s, before)
      await holds(s, before, 'The subject itself does not keep these values: mend put() and all().')
      const mark = await world.checkpoint('mark')
      for (const key of Object.keys(before)) await s.put(key, 'overwritten')
      await world.rollback(mark)
      await holds(s, before, 'An updated value did not come back exactly.')
      for (const key of Object.keys(before)) await s.remove(key)
      await world.rollback(mark)
      await holds(s, before, 'A deleted value did not come back exactly.')
    },
  },
  'marks survive hostile names': {
    async check(s, world) {
      const marks: WorldMark[] = []
      for (const [i, name] of NAMES.entries()) {
        marks.push(await world.checkpoint(name))
        await s.put('last', String(i))
      }
      for (const [i, mark] of [...marks.entries()].toReversed()) {
        await world.rollback(mark)
        const expected: Record<string, string> = i === 0 ? {} : { last: String(i - 1) }
        await holds(s, expected, `The mark called ${JSON.stringify(mark.name.slice(0, 80))} does not hold.`)
      }
    },
  },
  'two runs side by side do not see each other': {
    async check(s, world, { open }) {
      const second = await open()
      try {
        const other = await openWorld(second)
        try {
          await s.put('first', '1')
          const [mark, otherMark] = [await world.checkpoint('mark'), await other.checkpoint('mark')]
          await second.put('second', '1')
          await s.put('first', '2')
          await holds(second, { second: '1' }, 'The second run sees what the first one wrote.')
          await world.rollback(mark)
          await holds(s, { first: '1' }, 'The first run is not back at its mark.')
          await holds(second, { second: '1' }, 'A rollback of the first run changed the second one.')
          await other.rollback(otherMark)
          await holds(second, {}, 'The second run is not back at its mark.')
          await holds(s, { first: '1' }, 'A rollback of the second run changed the first one.')
        } finally {
          await other.close()
        }
        await holds(s, { first: '1' }, 'Closing the second run changed the first one.')
      } finally {
        await second.dispose?.()
      }
    },
  },
  'can prove every capability it declares': {
    async check(s, _, { except }) {
      for (const [capability, verb] of Object.entries(PROOFS)) {
        if (s.system.restores?.[capability as keyof Restores] !== true) continue
        assert.ok(s[verb], `The system declares ${capability}, but the subject cannot check it: give it ${verb}.`)
        const law = Object.entries<LawCheck>(checks).find(([, { needs }]) => needs === verb)?.[0] ?? ''
        assert.ok(
          !except.has(law),
          `The system declares ${capability}, yet "${law}" is in except: declare it not, or keep it.`,
        )
      }
    },
  },
  'marks made after the one gone back to stay': {
    needs: "system.kind 'tree'",
    async check(s, world) {
      const root = await world.checkpoint('root')
      await s.put('at', 'left')
      const left = await world.checkpoint('left')
      await world.rollback(root)
      await s.put('at', 'right')
      await s.put('only', 'right')
      const right = await world.checkpoint('right')
      await world.rollback(left)
      await holds(s, { at: 'left' }, 'A system of kind tree did not get to a mark of another branch.')
      await world.rollback(right)
      await holds(
        s,
        { at: 'right', only: 'right' },
        'A system of kind tree did not get back to the branch it came from.',
      )
      await world.rollback(root)
      await holds(s, {}, 'After visiting both branches the root is not what it was.')
    },
  },
  'changes() lists exactly what changed': {
    needs: 'system.changes',
    async check(s, world) {
      const before = { changed: 'old value', gone: 'gone value', kept: 'kept value', same: 'same value' }
      await putAll(s, before)
      const mark = await world.checkpoint('mark')
      assertListed(await changesOf(world, mark), before, before)
      await s.put('changed', 'new value')
      await s.put('changed', 'newest value')
      await s.put('same', 'another value')
      await s.put('same', 'same value')
      await s.put('fresh', 'fresh value')
      await s.put('brief', 'brief value')
      await s.remove('brief')
      await s.remove('gone')
      const inner = await world.checkpoint('inner')
      const between = await entriesOf(s)
      await s.put('later', 'later value')
      assertListed(await changesOf(world, inner), between, await entriesOf(s))
      assertListed(await changesOf(world, mark), before, await entriesOf(s))
      await world.rollback(inner)
      assertListed(await changesOf(world, inner), between, between)
      assertListed(await changesOf(world, mark), before, between)
      await world.rollback(mark)
      assertListed(await changesOf(world, mark), before, before)
    },
  },
  'observe() is equal if and only if the data is equal': {
    needs: 'system.observe',
    async check(s, world) {
      const empty = await look(world)
      await s.put('a', '1')
      await s.put('b', '2')
      const data = await look(world)
      differ(data, empty, 'observe() does not see what was inserted.')
      await s.put('a', '2')
      await s.put('b', '1')
      differ(await look(world), data, 'observe() does not see that two entries swapped their values.')
      await s.remove('a')
      await s.remove('b')
      same(await look(world), empty, 'The store is as it was, but observe() differs.')
      const mark = await world.checkpoint('mark')
      await s.put('b', '2')
      await s.put('a', '1')
      same(await look(world), data, 'The same data in another order of writing must look the same.')
      await s.remove('a')
      await s.put('c', '1')
      differ(await look(world), data, 'observe() does not see that one entry went and another came.')
      await world.rollback(mark)
      same(await look(world), empty, 'After the rollback observe() differs from what it was at the mark.')
    },
  },
  'reset() empties the store, and a rollback brings all back': {
    needs: 'system.reset',
    async check(s, world) {
      await s.put('kept', '1')
      const mark = await world.checkpoint('mark')
      await s.put('new', '1')
      await world.reset()
      await holds(s, {}, 'reset() did not empty the store.')
      await s.put('kept', '2')
      await world.rollback(mark)
      await holds(s, { kept: '1' }, 'A rollback did not undo the reset.')
    },
  },
  'rolls back after the store refused a write': needing('fail', async (s, world) => {
    await s.put('kept', 'old')
    const mark = await world.checkpoint('mark')
    await s.put('new', '1')
    await assert.rejects(async () => s.fail(), 'fail() must throw what the store answered')
    await world.rollback(mark)
    await holds(s, { kept: 'old' }, 'After a refused write the rollback did not bring the data back.')
  }),
  'a mark outlives a refused write': needing('fail', async (s, world) => {
    const outer = await world.checkpoint('outer')
    await s.put('kept', 'old')
    await assert.rejects(async () => s.fail(), 'fail() must throw what the store answered')
    const before = await entriesOf(s)
    const mark = await world.checkpoint('mark')
    for (const branch of ['first', 'second']) {
      await s.put('kept', branch)
      await assert.rejects(async () => s.fail(), 'fail() must throw what the store answered')
      await s.put(branch, '1')
      await world.rollback(mark)
      await holds(s, before, `The mark did not hold for the ${branch} branch with a refused write in it.`)
    }
    await world.rollback(outer)
    await holds(s, {}, 'The outer mark did not outlive the refused writes.')
  }),
  'undoes what another connection wrote': needing('other', async (s, world) => {
    await s.put('kept', 'old')
    await s.other.put('gone', 'old')
    const mark = await world.checkpoint('mark')
    await s.other.put('kept', 'changed')
    await s.other.put('new', '1')
    await s.other.remove('gone')
    await s.put('new', '2')
    await world.rollback(mark)
    await holds(s, { gone: 'old', kept: 'old' }, 'What another connection wrote is not undone.')
    await s.other.put('kept', 'changed again')
    await world.rollback(mark)
    await holds(s, { gone: 'old', kept: 'old' }, 'What another connection wrote after a rollback is not undone.')
  }),
  'an application killed in mid-transaction is undone': needing('crash', async (s, world) => {
    await s.put('kept', 'old')
    const mark = await world.checkpoint('mark')
    await s.put('kept', 'new')
    await s.crash()
    await world.rollback(mark)
    await holds(s, { kept: 'old' }, 'After the application was killed the rollback did not bring the data back.')
    await s.put('kept', 'after')
    await world.rollback(mark)
    await holds(s, { kept: 'old' }, 'The mark did not outlive the killed application.')
  }),
  'connections of the application stay open': needing('connections', async (s, world) => {
    await s.put('kept', 'old')
    const before = await s.connections()
    const mark = await world.checkpoint('mark')
    await s.put('kept', 'new')
    await world.rollback(mark)
    await world.release(await world.checkpoint('released'))
    await world.rollback(mark)
    same(await s.connections(), before, 'A connection of the application was dropped.')
  }),
  'undoes a change of schema': needing('reshape', async (s, world) => {
    await s.put('kept', 'old')
    const before = await s.shape?.()
    const mark = await world.checkpoint('mark')
    await s.reshape()
    await s.put('kept', 'new')
    await wentThrough(s, before, () => s.reshape())
    await world.rollback(mark)
    await holds(s, { kept: 'old' }, 'After a change of schema the data did not come back.')
    await cameBack(s, before, () => s.reshape())
    await world.rollback(mark)
    await holds(s, { kept: 'old' }, 'After a second change of schema the data did not come back.')
  }),
  'what was created since the mark is gone again': needing('create', async (s, world) => {
    await s.put('kept', 'old')
    const before = await s.shape?.()
    const mark = await world.checkpoint('mark')
    await s.create()
    await s.put('kept', 'new')
    await wentThrough(s, before, () => s.create())
    await world.rollback(mark)
    await holds(s, { kept: 'old' }, 'After something was created the data did not come back.')
    await cameBack(s, before, () => s.create())
    await world.rollback(mark)
  }),
  'gives the same generated id again': needing('generate', async (s, world) => {
    const ids = async (): Promise<string[]> => [await s.generate(), await s.generate()]
    await s.generate()
    const mark = await world.checkpoint('mark')
    const first = await ids()
    assert.notEqual(first[0], first[1], 'generate() must give a new id each time')
    await world.rollback(mark)
    same(await ids(), first, 'The same inserts got other ids after the rollback.')
    const inner = await world.checkpoint('inner')
    const later = await s.generate()
    await world.rollback(inner)
    same(await s.generate(), later, 'The same insert got another id after an inner rollback.')
    await world.rollback(mark)
    same(await ids(), first, 'The same inserts got other ids after a second rollback.')
  }),
  'keeps the time left before expiry': needing('expire', async (s, world) => {
    const started = Date.now()
    await s.put('brief', '1')
    await s.expire.set('brief', 60_000)
    await s.put('for ever', '1')
    const mark = await world.checkpoint('mark')
    await s.expire.set('brief', 600_000)
    await s.expire.set('for ever', 600_000)
    await world.rollback(mark)
    const left = (await s.expire.left('brief')) ?? Infinity
    const least = 60_000 - (Date.now() - started) - 1000
    assert.ok(
      left <= 60_000 && left >= least,
      `An entry with 60000 ms left at the mark has ${left} ms after the rollback.`,
    )
    same(await s.expire.left('for ever'), undefined, 'An entry that was to stay for ever expires after the rollback.')
    await s.remove('brief')
    await world.rollback(mark)
    const again = (await s.expire.left('brief')) ?? Infinity
    assert.ok(again <= 60_000, `A deleted entry with 60000 ms left at the mark came back with ${again} ms.`)
  }),
  'leaves nothing behind': needing('leftovers', async (s, world) => {
    await world.checkpoint('never gone back to')
    await s.put('kept', '1')
    const mark = await world.checkpoint('mark')
    await s.put('kept', '2')
    await world.rollback(mark)
    await world.release(mark)
    await s.put('after', '3')
    // What is left is looked for after close, at the end of every law.
  }),
} satisfies Record<string, LawCheck>

const VALUES: Readonly<Record<string, string>> = {
  empty: '',
  space: ' ',
  blanks: '  both ends  ',
  lines: 'one\ntwo\r\nthree\ttabbed',
  quotes: `it's "quoted" \`so\` and \\escaped\\`,
  statement: "'); drop table kv; --",
  number: '007',
  word: 'null',
  json: '{"a":[1,null,"x"]}',
  unicode: 'Ærø, 東京, שלום, e\u0301, \u00e9',
  emoji: '👩‍👩‍👧‍👦 🏴󠁧󠁢󠁥󠁮󠁧󠁿',
  controls: '\u0001\u001b\u007f\u2028\ufeff',
  long: 'long '.repeat(20_000),
}

const NAMES: readonly string[] = [
  'order created',
  'order created',
  'a-b',
  '',
  ' ',
  `it's "quoted" \`so\` [and] \\so\\`,
  "'; drop table kv; --",
  'two\nlines',
  '$1 :name ? %s {0}',
  'Ærø 東京 👩‍👩‍👧‍👦',
  'select',
  '../../etc/passwd',
  'x'.repeat(200),
  `${'same for 63 characters '.repeat(3)}one`,
  `${'same for 63 characters '.repeat(3)}two`,
  '__proto__',
]

async function holds(s: Subject, expected: Readonly<Record<string, string>>, what: string): Promise<void> {
  same(await entriesOf(s), { ...expected }, what)
}

async function putAll(s: Subject, entries: Readonly<Record<string, string>>): Promise<void> {
  if (s.putMany) return s.putMany(entries)
  for (const [key, value] of Object.entries(entries)) await s.put(key, value)
}

/** What changed in the store since `mark`. */
export async function changesOf(world: StoreWorld, mark: WorldMark): Promise<readonly Change[]> {
  return ((await world.changes(mark)) as { readonly store?: readonly Change[] }).store ?? []
}

async function look(world: StoreWorld): Promise<unknown> {
  return structuredClone((await world.observe()).store?.data)
}

function differ(one: unknown, other: unknown, what: string): void {
  assert.ok(!isDeepStrictEqual(one, other), what)
}

/** Whether the branch's change of the schema took place at all, so that undoing it means something. */
async function wentThrough(s: Subject, before: string | undefined, again: () => Awaitable<void>): Promise<void> {
  if (s.shape) return assert.notEqual(await s.shape(), before, 'The subject changed nothing that its shape() shows.')
  await assert.rejects(async () => again(), 'Without shape() the change must be refused when it is done twice')
}

async function cameBack(s: Subject, before: string | undefined, again: () => Awaitable<void>): Promise<void> {
  if (s.shape) same(await s.shape(), before, 'After the rollback the schema is not what it was.')
  await assert.doesNotReject(
    async () => again(),
    'After the rollback the change is still there: it cannot be made again.',
  )
}
