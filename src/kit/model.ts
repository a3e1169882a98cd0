import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import { messageOf } from '../errors.ts'
import type { WorldMark } from '../world.ts'
import { changesOf, entriesOf, look, same, within } from './fresh.ts'
import { assertListed } from './listed.ts'
import type { StoreWorld, Subject, Transaction } from './subject.ts'

/** One step of a random program. `which` picks among the marks that hold, 0 the newest. */
export type Step =
  | { readonly do: 'put'; readonly by: 'application' | 'other'; readonly key: string; readonly value: string }
  | { readonly do: 'remove'; readonly by: 'application' | 'other'; readonly key: string }
  | { readonly do: 'put in flight'; readonly key: string; readonly value: string }
  | { readonly do: 'end'; readonly commit: boolean }
  | { readonly do: 'checkpoint' }
  | { readonly do: 'rollback' | 'release' | 'tell'; readonly which: number }

type Entries = Readonly<Record<string, string>>

/** A mark of the world, and the plain copy that is its model. */
interface Copy {
  readonly name: string
  readonly mark: WorldMark
  /** What a rollback may bring back: one state, or two when a transaction was in flight and either is whole. */
  states: readonly Entries[]
  /** Whether the transaction that was in flight is still open. */
  pending: boolean
}

/** How long a checkpoint may wait for a transaction before the program ends it, in ms. */
const PATIENCE = 25

/** Runs a program on the subject and on the model, a stack of plain copies. Throws at the first difference, with the program so far. */
export async function follow(steps: readonly Step[], subject: Subject, world: StoreWorld): Promise<void> {
  const run = new Program(subject, world)
  try {
    for (const step of steps) await run.step(step)
    await run.end(true)
  } catch (error) {
    await run.giveUp()
    assert.fail(
      `The system differs from its model after these steps:\n${run.lines.map((line) => `  ${line}`).join('\n')}\n${messageOf(error)}`,
    )
  }
  await run.releaseAll()
}

class Program {
  /** The steps so far, as a person would write them. */
  readonly lines: string[] = []
  readonly #subject: Subject
  readonly #world: StoreWorld
  #model: Entries = {}
  #copies: Copy[] = []
  #seen: { readonly entries: Entries; readonly look: unknown }[] = []
  #inFlight: { readonly transaction: Transaction; writes: Entries } | undefined
  #marks = 0

  constructor(subject: Subject, world: StoreWorld) {
    this.#subject = subject
    this.#world = world
  }

  async step(step: Step): Promise<void> {
    // Only a checkpoint may meet a transaction in flight: another write could wait for it for ever.
    if (step.do !== 'put in flight' && step.do !== 'checkpoint') await this.end(step.do !== 'end' || step.commit)
    switch (step.do) {
      case 'put':
        return this.#put(step.by, step.key, step.value)
      case 'remove':
        return this.#remove(step.by, step.key)
      case 'put in flight':
        return this.#putInFlight(step.key, step.value)
      case 'end':
        return
      case 'checkpoint':
        return this.#checkpoint()
      default: {
        const count = this.#copies.length
        if (count > 0) await this.#at(step.do, count - 1 - (step.which % count))
      }
    }
  }

  /** Ends the transaction in flight, if there is one. */
  async end(commit: boolean): Promise<void> {
    if (!this.#inFlight) return
    const { transaction, writes } = this.#inFlight
    this.lines.push(commit ? 'commit what is in flight' : 'give up what is in flight')
    await (commit ? transaction.commit() : transaction.rollback())
    this.#inFlight = undefined
    if (commit) this.#model = { ...this.#model, ...writes }
    for (const copy of this.#copies.filter(({ pending }) => pending)) {
      copy.pending = false
      if (commit) copy.states = copy.states.flatMap((state) => [state, { ...state, ...writes }])
    }
    await this.#agrees()
  }

  /** After a failure: nothing may stay open that the next program could wait for. */
  async giveUp(): Promise<void> {
    await Promise.allSettled([this.#inFlight?.transaction.rollback()])
  }

  async releaseAll(): Promise<void> {
    const [first] = this.#copies
    if (first) await this.#world.release(first.mark)
  }

  async #put(by: 'application' | 'other', key: string, value: string): Promise<void> {
    this.lines.push(`${by} puts ${key} = ${JSON.stringify(value)}`)
    await this.#writer(by).put(key, value)
    this.#model = { ...this.#model, [key]: value }
    await this.#agrees()
  }

  async #remove(by: 'application' | 'other', key: string): Promise<void> {
    this.lines.push(`${by} removes ${key}`)
    await this.#writer(by).remove(key)
    const { [key]: _, ...rest } = this.#model
    this.#model = rest
    await this.#agrees()
  }

  #writer(by: 'application' | 'other'): Pick<Subject, 'put' | 'remove'> {
    return (by === 'other' ? this.#subject.other : undefined) ?? this.#subject
  }

  async #putInFlight(key: string, value: string): Promise<void> {
    this.lines.push(`in flight, not committed: put ${key} = ${JSON.stringify(value)}`)
    this.#inFlight ??= { transaction: await this.#begin(), writes: {} }
    await this.#inFlight.transaction.put(key, value)
    this.#inFlight.writes = { ...this.#inFlight.writes, [key]: value }
    await this.#agrees()
  }

  async #begin(): Promise<Transaction> {
    const transaction = await this.#subject.begin?.()
    return transaction ?? assert.fail('The subject has begin for some programs only.')
  }

  async #checkpoint(): Promise<void> {
    const name = `mark ${++this.#marks}`
    this.lines.push(`checkpoint → ${name}`)
    const taken = this.#world.checkpoint(name)
    const before = this.#model
    let isEither = false
    // A system may wait for the transaction to end, refuse the checkpoint, or take it beside the transaction.
    if (this.#inFlight && !(await within(PATIENCE, Promise.allSettled([taken])))) {
      await this.end(true)
      // It may have waited, or was only slow.
      isEither = true
    }
    let mark: WorldMark
    try {
      mark = await taken
    } catch (refusal) {
      if (!this.#inFlight) throw refusal
      await this.end(true)
      mark = await this.#world.checkpoint(name)
    }
    const states = isEither ? [this.#model, before] : [this.#model]
    this.#copies.push({ name, mark, states, pending: this.#inFlight !== undefined })
    await this.#agrees()
  }

  async #at(what: 'rollback' | 'release' | 'tell', at: number): Promise<void> {
    const copy = this.#copies[at] ?? assert.fail('no such mark')
    this.lines.push(what === 'tell' ? `ask for the changes since ${copy.name}` : `${what} ${copy.name}`)
    if (what === 'tell') return this.#tells(copy)
    if (what === 'release') {
      await this.#world.release(copy.mark)
      this.#copies = this.#copies.slice(0, at)
      return this.#agrees()
    }
    await this.#world.rollback(copy.mark)
    const back = await entriesOf(this.#subject)
    const state = copy.states.find((candidate) => isDeepStrictEqual({ ...candidate }, back)) ?? copy.states[0]
    same(back, { ...state }, `After the rollback to ${copy.name} the data is not what it was.`)
    copy.states = [back]
    this.#model = back
    if (this.#subject.system.kind !== 'tree') this.#copies = this.#copies.slice(0, at + 1)
  }

  /** Compares what the system says of its state with the model. */
  async #tells(copy: Copy): Promise<void> {
    const [state] = copy.states
    if (this.#subject.system.changes && state && copy.states.length === 1) {
      assertListed(await changesOf(this.#world, copy.mark), state, this.#model)
    }
    if (!this.#subject.system.observe) return
    const now = { entries: this.#model, look: await look(this.#world) }
    for (const then of this.#seen) {
      const equal = isDeepStrictEqual({ ...then.entries }, { ...now.entries })
      if (isDeepStrictEqual(then.look, now.look) !== equal) {
        assert.fail(
          `observe() ${equal ? 'differs for' : 'is the same for different'} data: ${JSON.stringify([then.entries, now.entries])}`,
        )
      }
    }
    this.#seen.push(now)
  }

  async #agrees(): Promise<void> {
    same(await entriesOf(this.#subject), { ...this.#model }, 'The data is not what the steps made of it.')
  }
}
