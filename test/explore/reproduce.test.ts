import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serialize } from 'node:v8'
import { afterEach, expect, test, vi } from 'vitest'
import { literal, quoted } from '../../src/explore/literal.ts'
import { reportText } from '../../src/explore/index.ts'
import { recordedIn, tokenOf } from '../../src/explore/token.ts'
import { open } from './places.ts'
import { type Bug, Shop, shopModel } from './shop.ts'
import { count, counter, exploreToy, type Toy } from './toy.ts'

afterEach(() => vi.unstubAllEnvs())

const explored = async (bug: Bug | undefined, options: object) => {
  await using at = await open('memory')
  return await at.world.explore(shopModel(await new Shop(at.store, bug).open()), { seed: 7, ...options })
}

test('what is left of a path respects `when` at every step', async () => {
  // login is needed for what follows, though the server does not say so.
  const model = {
    actions: {
      noise: counter('noise', 6),
      login: { run: ({ db }: Toy) => void db.set('in', true) },
      buy: {
        when: ({ db }: Toy) => db.has('in'),
        run: ({ db }: Toy) => void db.set('bought', count(db, 'bought') + 1),
      },
    },
    invariants: { 'at most one': ({ db }: Toy) => count(db, 'bought') < 2 },
  }
  for (let seed = 0; seed < 10; seed++) {
    const { violations } = await exploreToy(model, { seed, strategy: 'walk' })
    expect(violations[0]?.path.map(({ action }) => action)).toEqual(['login', 'buy', 'buy'])
  }
})

test('a report shows the path with what each step changed, and how to see it again', async () => {
  const model = {
    actions: { up: counter('n', 3) },
    invariants: { low: { severity: 'critical', check: ({ db }: Toy) => count(db, 'n') < 2 || 'n is 2' } },
  } as const
  const text = reportText(await exploreToy(model, { strategy: 'bfs' }))
  expect(text.split('\n').slice(0, 7)).toEqual([
    '✗ low   [critical]   2 steps, no shorter path breaks it',
    '  n is 2',
    '',
    '   1. up       db n: 1 inserted',
    '   2. up       db n: 1 updated (value 1 → 2)',
    '',
    expect.stringMatching(/^ {2}again: {6}VENOMQA_REPLAY=\S+$/),
  ])
  expect(text).toMatch(/violated: 3 states, 2 transitions, depth 2 \(.*seed 1\)$/m)
})

test('a truncated run says so loudly', async () => {
  const text = reportText(await exploreToy({ actions: { up: counter('n', 90) } }, { budget: { steps: 5 } }))
  expect(text).toContain('NOT EVERYTHING WAS TRIED: the steps were spent. 1 possible steps are open')
})

test('a token walks its path and nothing else', async () => {
  const { violations } = await explored('doubleRefund', {})
  vi.stubEnv('VENOMQA_REPLAY', violations[0]!.replay)
  const again = await explored('doubleRefund', {})
  expect(again).toMatchObject({ verdict: 'violated', ended: 'replay' })
  expect(again.violations[0]).toMatchObject({ name: 'refunded ≤ paid', reproduced: true })
  expect(again.cost.actions).toBe(8)
  expect((await explored(undefined, {})).verdict).toBe('budget')
})

test('a token keeps every kind of value, and one that is cut off is refused', () => {
  const params = {
    at: new Date(5),
    n: 1n,
    raw: Buffer.from('x'),
    tags: new Set(['a']),
    m: new Map([[1, { a: [NaN] }]]),
  }
  const call = { action: 'pay', params, picks: { n: 0 }, key: '' }
  const { name, path } = recordedIn(tokenOf({ name: 'shop', path: [call] }))
  expect([name, path[0]?.params, path[0]?.picks]).toEqual(['shop', params, { n: 0 }])
  expect(() => recordedIn('_w9v')).toThrow('"_w9v…" is not a path that can be replayed')
})

test('a path that is not possible any more says at which step', async () => {
  const call = (action: string) => ({ action, params: {}, picks: {}, key: `${action}()` })
  const replay = tokenOf({ name: 'exploration', path: [call('addItem'), call('checkout'), call('removeItem')] })
  await expect(explored(undefined, { replay })).rejects.toThrow(
    'Step 3 of the replayed path, removeItem(), is not possible any more',
  )
})

test('a path that does something more often than maxPerPath says at which step', async () => {
  const call = { action: 'up', params: {}, picks: {}, key: 'up()' }
  const replay = tokenOf({ name: 'exploration', path: [call, call, call] })
  const actions = { up: { run: ({ db }: Toy) => void db.set('n', count(db, 'n') + 1), maxPerPath: 2 } }
  await expect(exploreToy({ actions }, { replay })).rejects.toThrow('Step 3 of the replayed path, up()')
})

test('a path is made short also where no checkpoint is left for its steps', async () => {
  const actions = { noise: counter('noise', 6), up: counter('n', 3) }
  const invariants = { low: ({ db }: Toy) => count(db, 'n') < 3 }
  for (let seed = 0; seed < 5; seed++) {
    const { violations } = await exploreToy({ actions, invariants }, { seed, strategy: 'walk', maxMarks: 1 })
    expect(violations[0]?.path.map(({ action }) => action)).toEqual(['up', 'up', 'up'])
  }
})

test('an action is not called dead when the exploration ended early', async () => {
  const actions = { up: counter('n', 9), never: { when: () => false, run: () => undefined } }
  const oracles = { deadAction: 'warn' } as const
  const dead = async (options: object) =>
    (await exploreToy({ actions }, { oracles, ...options })).warnings.map(({ message }) => message)
  expect(await dead({})).toEqual(['never was possible in no state'])
  expect(await dead({ budget: { steps: 5 } })).toEqual([])
  expect(await dead({ maxDepth: 5 })).toEqual([])
})

test('the corpus is walked first: the second time costs the path alone', async () => {
  const corpus = mkdtempSync(join(tmpdir(), 'venomqa-corpus-'))
  try {
    const first = await explored('wrongOrderRefund', { corpus })
    const second = await explored('wrongOrderRefund', { corpus })
    expect(second.violations[0]?.path).toHaveLength(first.violations[0]!.path.length)
    expect([second.cost.actions, first.cost.actions > 100]).toEqual([10, true])
    expect(readdirSync(corpus)).toEqual(['refunded-le-paid-refund.path'])
    expect((await explored(undefined, { corpus, strategy: 'bfs', maxDepth: 4 })).verdict).toBe('exhausted')
  } finally {
    rmSync(corpus, { recursive: true })
  }
})

test('of the corpus only the own paths are walked whose actions there are, and other files are left alone', async () => {
  const corpus = mkdtempSync(join(tmpdir(), 'venomqa-corpus-'))
  try {
    const low = { 'n < 2': ({ db }: Toy) => count(db, 'n') < 2 }
    const up = counter('n', 3)
    const kept = await exploreToy({ actions: { up }, invariants: low }, { corpus, name: 'mine' })
    expect(kept.violations).toHaveLength(1)
    writeFileSync(join(corpus, 'README.md'), 'what this folder is for')
    const walked = async (actions: Record<string, typeof up>, name: string) => {
      const { violations, coverage } = await exploreToy({ actions, invariants: low }, { corpus, name, maxDepth: 1 })
      return [violations.length, coverage.states]
    }
    expect(await walked({ up }, 'mine')).toEqual([1, 0])
    expect(await walked({ up }, 'another')).toEqual([0, 2])
    expect(await walked({ renamed: up }, 'mine')).toEqual([0, 2])
    // All of it is explored where a broken rule is no reason to stop.
    const on = await exploreToy({ actions: { up }, invariants: low }, { corpus, name: 'mine', stopOn: 'never' })
    expect(on.coverage.states).toBe(3)
    const none = await exploreToy({ actions: { up } }, { corpus: join(corpus, 'not there yet') })
    expect(none.verdict).toBe('exhausted')
  } finally {
    rmSync(corpus, { recursive: true })
  }
})

test('a token of another version is refused, and a replay misses no goal', async () => {
  const other = serialize({ version: 2, name: 'exploration', path: [] }).toString('base64url')
  expect(() => recordedIn(other)).toThrow('it comes from another version of venomqa')
  const model = { actions: { up: counter('n', 3) }, invariants: { 'n < 2': ({ db }: Toy) => count(db, 'n') < 2 } }
  const { violations } = await exploreToy(model)
  const goal = { coverageGoal: { transitions: 1, actions: 1 } }
  expect(await exploreToy(model, { replay: violations[0]!.replay, ...goal })).toMatchObject({ missed: [] })
})

test('a journey file is written where it is asked for', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'venomqa-journeys-'))
  try {
    const { violations } = await explored('doubleCancel', { journey: { folder, world: '../world', model: '../shop' } })
    expect(violations[0]?.file).toBe(join(folder, 'stock-is-conserved-cancel.journey.test.ts'))
    expect(readFileSync(violations[0]!.file!, 'utf8')).toBe(`import { act, holds } from 'venomqa/explore'
import { actions, invariants } from '../shop'
import { branch, checkpoint, journey, step } from '../world'

journey('stock is conserved', () => {
  step('1. addItem', (world) => act(actions.addItem, world))
  step('2. checkout', (world) => act(actions.checkout, world))
  step('3. startPayment', (world) => act(actions.startPayment, world))
  step('4. cancel', (world) => act(actions.cancel, world))
  checkpoint('just before')

  branch('cancel', () => {
    step('5. cancel', (world) => act(actions.cancel, world))
    step('stock is conserved', (world) => holds(invariants['stock is conserved'], world)) // ← breaks here
  })
})
`)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('literals are JavaScript of the same value', () => {
  const value = {
    text: `a 'b' "c" \\ \n`,
    'odd key': [1, -0, NaN, null, undefined, true, 5n],
    at: new Date(5),
    raw: Buffer.from('raw'),
    set: new Set([{ a: 1 }]),
    map: new Map([['k', /x\/y/g]]),
    bytes: new Uint8Array([1, 2]),
  }
  // oxlint-disable-next-line no-eval -- that is what a literal is for
  expect(eval(`(${literal(value)})`)).toEqual(value)
  expect(quoted(`it's "so"`)).toBe(String.raw`'it\'s "so"'`)
})
