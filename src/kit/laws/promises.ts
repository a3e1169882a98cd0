import assert from 'node:assert/strict'
import type { Awaitable, Restores } from '../../rollbackable.ts'
import { holds, same } from '../fresh.ts'
import { has, type Law, needing } from '../law.ts'
import type { Subject } from '../subject.ts'

const capabilities = {
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
} satisfies Record<string, Law>

/** The law that proves each capability. */
const PROOFS: Readonly<Record<Exclude<keyof Restores, 'data'>, keyof typeof capabilities>> = {
  generatedIds: 'gives the same generated id again',
  schema: 'undoes a change of schema',
  createdObjects: 'what was created since the mark is gone again',
  expiry: 'keeps the time left before expiry',
}

/** Laws of what a system declares in `restores`: what it promises it must keep, and the subject must be able to show it. */
export const promises = {
  ...capabilities,
  'can prove every capability it declares': {
    async check(s, _, { except }) {
      for (const [capability, law] of Object.entries(PROOFS) as [keyof typeof PROOFS, keyof typeof capabilities][]) {
        if (!s.system.restores?.[capability]) continue
        const { needs } = capabilities[law]
        if (!has(s, needs))
          assert.fail(`The system declares ${capability}, but the subject cannot check it: give the subject ${needs}.`)
        if (except.has(law))
          assert.fail(`The system declares ${capability}, yet except says that it cannot: ${law}. Declare it no more.`)
      }
    },
  },
} satisfies Record<string, Law>

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
