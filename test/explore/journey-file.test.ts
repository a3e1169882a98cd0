import { mkdtempSync, readdirSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { observable } from '../../src/explore/act.ts'
import { act, type ExploreOptions, holds, type Model } from '../../src/explore/index.ts'
import { fileNameOf } from '../../src/explore/journey-file.ts'
import { World } from '../../src/index.ts'
import { memory } from '../../src/systems/memory/index.ts'
import { counter, exploreToy, type Toy } from './toy.ts'

const up = counter('n', 3)
const refused = { run: ({ db }: Toy) => (db.set('tried', true), { status: 409 }) }
const broken = { run: () => ({ status: 503 }) }

/** The journey of the only finding. */
async function journeyOf(model: Model<Toy>, options: ExploreOptions = {}): Promise<string | undefined> {
  const { violations } = await exploreToy(model, { strategy: 'bfs', ...options })
  expect(violations).toHaveLength(1)
  return violations[0]?.journey
}

describe('the journey of a finding', () => {
  test('asks of its last step what the oracle asked', async () => {
    expect(await journeyOf({ actions: { broken } })).toContain(`act(actions.broken, world, {}, 'is answered'))`)
    const off = { oracles: { rejectionMutates: 'error' } } as const
    expect(await journeyOf({ actions: { refused } }, off)).toContain(
      `act(actions.refused, world, {}, 'changes nothing'))`,
    )
  })

  test('of one step has no branch', async () => {
    expect(await journeyOf({ actions: { 'go up': up }, invariants: { 'n = 0': ({ db }) => !db.has('n') } }))
      .toBe(`import { act, holds } from 'venomqa/explore'
import { actions, invariants } from './model'
import { journey, step } from './world'

journey('n = 0', () => {
  step('1. go up', (world) => act(actions['go up'], world))
  step('n = 0', (world) => holds(invariants['n = 0'], world)) // ← breaks here
})
`)
  })

  test('is none where a single path shows nothing, and no file where it is a warning', async () => {
    let calls = 0
    const random = { run: ({ db }: Toy) => void db.set('at', calls++) }
    expect(await journeyOf({ actions: { random } })).toBeUndefined()
    const folder = mkdtempSync(join(tmpdir(), 'venomqa-journeys-'))
    const options = { oracles: { serverError: 'warn' }, journey: { folder } } as const
    const { warnings } = await exploreToy({ actions: { broken } }, options)
    expect(warnings.map(({ name, file }) => [name, file])).toContainEqual(['serverError', undefined])
    expect(readdirSync(folder)).toEqual([])
    rmdirSync(folder)
  })
})

test('the name of a file tells rules apart whose letters no file takes, or that only differ far behind', () => {
  const named = (name: string) =>
    fileNameOf({ kind: 'invariant', name, severity: 'high', message: '', level: 'error' }, [])
  expect(named('refunded ≤ paid')).toBe('refunded-le-paid')
  for (const [one, two] of [
    ['n 注文', 'n 返金'],
    [`${'so long '.repeat(12)}a`, `${'so long '.repeat(12)}b`],
  ] as const) {
    expect(named(one)).not.toBe(named(two))
    expect(named(one)).toMatch(/^[a-z0-9-]{1,90}$/)
  }
})

describe('in a step', () => {
  const setUp = async () => {
    const db = new Map<string, unknown>()
    const world = await World.open({ systems: { db: memory(db) }, context: () => ({ orders: [] as string[] }) })
    const context = observable({ db, api: undefined, ctx: world.ctx }, () => world.observe())
    return { db, world, context: context as unknown as Toy }
  }

  test('act does the action, and says where it is not possible or does not ensure what it should', async () => {
    const { db, context, world } = await setUp()
    expect(await act({ run: () => 'an answer' }, context)).toBe('an answer')
    const grown = {
      ...up,
      ensure: (_: Toy, __: object, { before }: { before: object }) => `was ${Object.keys(before).join()}`,
    }
    await expect(act(grown, context)).rejects.toThrow('was db,ctx')
    expect(db.get('n')).toBe(1)
    db.set('n', 3)
    await expect(act(up, context)).rejects.toThrow('The action is not possible here: its `when` said no.')
    await world.close()
  })

  test('act keeps what it promised to find: an answer below 500, and no change but in ctx', async () => {
    const { db, context, world } = await setUp()
    await expect(act(broken, context, {}, 'is answered')).rejects.toThrow('It was answered with 503.')
    expect(await act(refused, context, {}, 'is answered')).toEqual({ status: 409 })
    db.delete('tried')
    await expect(act(refused, context, {}, 'changes nothing')).rejects.toThrow(
      'It should have changed nothing:\ndb.tried + true',
    )
    const noted = { run: ({ ctx }: Toy) => void ctx.orders.push('seen') }
    await act(noted, context, {}, 'changes nothing')
    await world.close()
  })

  test('holds says why an invariant does not', async () => {
    const { context, world } = await setUp()
    await holds<Toy>(({ db }) => db.size === 0, context)
    await expect(holds({ check: () => false, message: 'too many' }, context)).rejects.toThrow('too many')
    await expect(holds((_, { observed }) => Object.keys(observed).join(), context)).rejects.toThrow('db,ctx')
    await expect(holds(() => true, {} as Toy)).rejects.toThrow(
      'act() and holds() were not given the context of a step.',
    )
    await world.close()
  })
})
