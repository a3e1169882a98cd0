import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'vitest'
import { Clock } from '../../../src/systems/redis/clock.ts'
import { History, type Images, type Moment } from '../../../src/systems/redis/history.ts'
import type { Image } from '../../../src/systems/redis/image.ts'

type Step =
  | { readonly do: 'arm'; readonly key: string; readonly ms: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'mark' }
  | { readonly do: 'return'; readonly which: number }

const ms = fc.oneof(
  fc.integer({ min: 1, max: 50 }),
  fc.integer({ min: 1, max: 5000 }),
  fc.integer({ min: 1, max: 5_000_000 }),
)
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ do: fc.constant('arm' as const), key: fc.constantFrom('a', 'b', 'c'), ms }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms }) },
    { weight: 2, arbitrary: fc.constant({ do: 'mark' as const }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('return' as const), which: fc.nat(9) }) },
  ),
  { maxLength: 40, size: 'max' },
)

test('frozen: a key has the time left that it had at the mark, to 1 %, also one that expired or was armed anew', () => {
  fc.assert(
    fc.property(steps, (program) => new Store().follow(program)),
    { numRuns: 1000 },
  )
})

test('frozen: keys that are not due are not written again', () => {
  const store = new Store()
  store.step({ do: 'arm', key: 'a', ms: 3_600_000 })
  store.step({ do: 'mark' })
  for (let count = 0; count < 100; count += 1) {
    store.step({ do: 'wait', ms: 100 })
    store.step({ do: 'return', which: 1 })
  }
  assert.equal(store.written, 0)
  store.step({ do: 'wait', ms: 36_000 })
  store.step({ do: 'return', which: 1 })
  assert.equal(store.written, 1)
})

test('frozen: what is little for a long life is much for the rest of it', () => {
  const store = new Store()
  store.step({ do: 'arm', key: 'a', ms: 5000 })
  store.step({ do: 'mark' })
  store.step({ do: 'wait', ms: 4900 })
  store.step({ do: 'mark' })
  store.step({ do: 'wait', ms: 20 })
  store.step({ do: 'return', which: 2 })
  assert.equal(store.written, 1)
})

test('frozen: a mark holds the time that a key really had left, not what an exact rollback had left it', () => {
  const store = new Store()
  store.step({ do: 'arm', key: 'a', ms: 5000 })
  store.step({ do: 'mark' })
  store.step({ do: 'wait', ms: 20 })
  store.step({ do: 'return', which: 1 })
  assert.equal(store.written, 0)
  store.step({ do: 'wait', ms: 4900 })
  store.step({ do: 'mark' })
  store.step({ do: 'wait', ms: 10 })
  store.step({ do: 'return', which: 2 })
})

test('a key that is due stays so until it is armed', () => {
  const clock = new Clock(true)
  clock.seen('k', image(2000), 2000)
  clock.rewind(0, 100)
  assert.deepEqual(clock.due(), ['k'])
  assert.deepEqual(clock.due(), ['k'])
  clock.written('k', image(2000))
  assert.deepEqual(clock.due(), [])
})

test('wallclock: the deadline of a key is the server’s own', () => {
  const clock = new Clock(false)
  clock.rewind(5, 1000)
  assert.equal(clock.tick(1000), 1000)
  assert.equal(clock.deadline('k', 1500, 0), 1500)
  clock.seen('k', image(1500), 1500)
  assert.deepEqual(clock.due(), [])
  assert.deepEqual(clock.expired(1499), [])
  assert.deepEqual(clock.expired(1500), ['k'])
})

test('an expiry told imprecisely is the one we know', () => {
  const clock = new Clock(true)
  clock.seen('k', image(1500), 1500)
  assert.equal(clock.deadline('k', 1530, 100), 1500)
  assert.equal(clock.deadline('k', 1530, 0), 1530)
  assert.equal(clock.deadline('k', 1700, 100), 1700)
})

/** A server with keys that expire, and what the system does with them, without the server. */
class Store {
  written = 0
  readonly #clock = new Clock(true)
  readonly #history = new History(new Map(), 0, null)
  readonly #expires = new Map<string, number>()
  readonly #dirty = new Set<string>()
  readonly #marks: { moment: Moment; left: Map<string, number> }[] = [{ moment: this.#history.at, left: new Map() }]
  #now = 1_000_000

  follow(program: readonly Step[]): void {
    for (const step of program) this.step(step)
  }

  step(step: Step): void {
    if (step.do === 'wait') this.#now += step.ms
    else if (step.do === 'arm') {
      this.#expires.set(step.key, this.#now + step.ms)
      this.#dirty.add(step.key)
    } else if (step.do === 'mark') this.#mark()
    else this.#return(step.which % this.#marks.length)
  }

  #mark(): void {
    const images: Images = new Map()
    const time = this.#clock.tick(this.#now)
    for (const key of [...this.#dirty, ...this.#clock.expired(this.#now)]) {
      const expires = this.#expires.get(key) ?? 0
      const found = expires > this.#now ? image(this.#clock.deadline(key, expires, 0)) : null
      this.#clock.seen(key, found, expires)
      images.set(key, found)
    }
    this.#clock.correct(images, this.#history.present)
    this.#dirty.clear()
    this.#marks.push({ moment: this.#history.advance(images, time, null), left: this.#left() })
  }

  #return(at: number): void {
    const { moment, left } = this.#marks[at] as { moment: Moment; left: Map<string, number> }
    const expired = this.#clock.expired(this.#now)
    this.#clock.rewind(moment.time, this.#now)
    const target = this.#history.between(moment)
    for (const key of [...this.#dirty, ...expired])
      if (!target.has(key)) target.set(key, this.#history.present.get(key) ?? null)
    const before = target.size
    for (const key of this.#clock.due()) if (!target.has(key)) target.set(key, this.#history.present.get(key) ?? null)
    this.written += target.size - before
    for (const [key, wanted] of target) {
      if (wanted?.deadline == null) this.#expires.delete(key)
      else this.#expires.set(key, this.#clock.expires(wanted.deadline))
      this.#clock.written(key, wanted)
    }
    this.#history.arrive(moment)
    this.#dirty.clear()
    const now = this.#left()
    assert.deepEqual([...now.keys()].toSorted(), [...left.keys()].toSorted(), 'other keys are there than were')
    for (const [key, was] of left) {
      const off = Math.abs((now.get(key) ?? 0) - was)
      assert.ok(off <= was / 100, `${key} had ${was} ms left and has ${now.get(key)}`)
    }
  }

  #left(): Map<string, number> {
    return new Map([...this.#expires].map(([key, at]) => [key, at - this.#now] as const).filter(([, left]) => left > 0))
  }
}

function image(deadline: number): Image {
  return { payload: Buffer.from([0]), deadline }
}
