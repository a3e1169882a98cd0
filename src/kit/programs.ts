import assert from 'node:assert/strict'
import type * as FastCheck from 'fast-check'
import { fastCheck } from '../explore/arbitraries.ts'
import { messageOf, VenomError } from '../errors.ts'
import type { Awaitable } from '../rollbackable.ts'
import type { WorldMark } from '../world.ts'
import { openWorld } from './fresh.ts'
import type { Law } from './law.ts'
import { follow, type Step } from './model.ts'
import type { StoreWorld, Subject } from './subject.ts'

const NEEDS =
  'The kit needs fast-check, which is not installed.\nIt makes the random programs by which a system is compared with its model.'

/** The law of laws: the model is the definition of what a system is. */
export const programs = {
  'behaves as a stack of copies under any program': {
    async check(subject, world, { open, runs, timeout }) {
      const fc = await fastCheck(NEEDS)
      const arena = new Arena(open, subject, world)
      const property = fc.asyncProperty(anyProgram(fc, subject), (steps) => arena.run(steps))
      const replay = replayed(process.env['VENOMQA_SEED'])
      const result = await fc.check(property, { numRuns: runs, interruptAfterTimeLimit: 0.8 * timeout, ...replay })
      if (result.counterexample === null) {
        if (!result.interrupted) return
        const inTime = `Only ${result.numRuns} of ${runs} programs ran in ${timeout} ms`
        assert.fail(`${inTime}: give fewer runs, or a longer timeout.`)
      }
      const path = result.counterexamplePath ? `:${result.counterexamplePath}` : ''
      assert.fail(
        `${messageOf(result.errorInstance)}\n` +
          `This is program ${result.numRuns} of ${runs}, made as short as possible in ${result.numShrinks} steps.\n` +
          `VENOMQA_SEED=${result.seed}${path} runs it again; VENOMQA_SEED=${result.seed} runs all of them again.`,
      )
    },
  },
} satisfies Record<string, Law>

/** The subject that programs run on, one after the other; after a program that failed, the next gets a fresh one. */
class Arena {
  readonly #open: () => Awaitable<Subject>
  readonly #given: StoreWorld
  #place: { readonly subject: Subject; readonly world: StoreWorld; readonly base?: WorldMark } | undefined

  constructor(open: () => Awaitable<Subject>, subject: Subject, world: StoreWorld) {
    this.#open = open
    this.#given = world
    this.#place = { subject, world }
  }

  async run(steps: readonly Step[]): Promise<void> {
    const { subject, world, base } = await this.#entered()
    try {
      await world.rollback(base)
      await follow(steps, subject, world)
    } catch (error) {
      await this.#leave()
      throw error
    }
  }

  /** Gives up the place that programs run on. The one that the law was given is disposed of by the law's caller. */
  async #leave(): Promise<void> {
    const place = this.#place
    this.#place = undefined
    if (!place) return
    // A failed program is what the reader must see, not what then fails because of it.
    await place.world.close().catch(() => undefined)
    if (place.world !== this.#given) await place.subject.dispose?.()
  }

  async #entered(): Promise<{ readonly subject: Subject; readonly world: StoreWorld; readonly base: WorldMark }> {
    let place = this.#place
    if (!place) {
      const subject = await this.#open()
      place = { subject, world: await openWorld(subject) }
    }
    const entered = { ...place, base: place.base ?? (await place.world.checkpoint('base')) }
    this.#place = entered
    return entered
  }
}

function anyProgram(fc: typeof FastCheck, subject: Subject): FastCheck.Arbitrary<Step[]> {
  const key = fc.constantFrom('a', 'b', 'c')
  const value = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('1', '2') },
    fc.string(),
    fc.constantFrom('', "it's", 'é'),
  )
  // Mostly the newest mark, so that marks nest.
  const which = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(9) })
  const by = (who: 'application' | 'other', weight: number): FastCheck.WeightedArbitrary<Step>[] => [
    { weight: 2 * weight, arbitrary: fc.record({ do: fc.constant('put' as const), by: fc.constant(who), key, value }) },
    { weight, arbitrary: fc.record({ do: fc.constant('remove' as const), by: fc.constant(who), key }) },
  ]
  const steps: FastCheck.WeightedArbitrary<Step>[] = [
    ...by('application', 3),
    { weight: 6, arbitrary: fc.constant({ do: 'checkpoint' as const }) },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('rollback' as const), which }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const), which }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('tell' as const), which }) },
  ]
  if (subject.other) steps.push(...by('other', 1))
  if (subject.begin) {
    const end = fc.record({ do: fc.constant('end' as const), commit: fc.boolean() })
    steps.push(
      {
        weight: 5,
        arbitrary: fc.record({ do: fc.constant('put in flight' as const), key: fc.constantFrom('a', 'x', 'y'), value }),
      },
      { weight: 1, arbitrary: end },
    )
  }
  return fc.array(fc.oneof(...steps), { maxLength: 50, size: 'max' })
}

/** `VENOMQA_SEED`: a seed, or a seed and the path of one counterexample. */
function replayed(text: string | undefined): { seed?: number; path?: string } {
  if (!text) return {}
  const [, seed, path] = /^(-?\d+)(?::([\d:]+))?$/.exec(text) ?? []
  if (seed === undefined) {
    throw new VenomError(
      'BAD_ARGUMENT',
      `VENOMQA_SEED is "${text}", which is no seed.\nA seed is the number that a failed run of random programs printed.\nCopy it whole, such as VENOMQA_SEED=1234:5:0.`,
    )
  }
  return path === undefined ? { seed: Number(seed) } : { seed: Number(seed), path }
}
