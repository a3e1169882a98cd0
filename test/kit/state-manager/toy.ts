import { BaseStateManager, type StateManager, type StateManagerOptions } from '../../../src/kit/index.ts'
import { observation } from '../../../src/rollbackable.ts'
import { Toy, type ToyState } from '../toy.ts'

/** A manager of a toy store, by the base class. */
export class ToyManager extends BaseStateManager<ToyState> {
  override readonly kind: 'stack' | 'tree'
  readonly restores = { data: true, generatedIds: true, schema: true, createdObjects: true, expiry: true } as const
  readonly toy: Toy
  /** What the base class asked for, in order. */
  readonly asked: string[] = []
  /** Set to what the store answers to anything from now on. */
  refuses: Error | undefined

  constructor(toy = new Toy(), kind: 'stack' | 'tree' = 'stack', options: StateManagerOptions = {}) {
    super('toy://me:secret@localhost/toy_test?token=secret', options)
    this.toy = toy
    this.kind = kind
  }

  observe() {
    return observation('toy', Object.fromEntries(this.toy.state.entries))
  }

  protected open() {
    this.#answer('open')
  }

  protected close() {
    this.asked.push('close')
  }

  protected take(name: string) {
    this.#answer(`take ${name}`)
    return this.toy.copy()
  }

  protected putBack(state: ToyState) {
    this.#answer('put back')
    this.toy.set(state)
  }

  protected override forget(state: ToyState) {
    this.#answer(`forget ${state.entries.size} entries`)
  }

  protected empty() {
    this.#answer('empty')
    this.toy.state.entries.clear()
  }

  protected override ping() {
    this.#answer('ping')
  }

  #answer(asked: string): void {
    this.asked.push(asked)
    if (this.refuses) throw this.refuses
  }
}

/** A manager that stands on no class of ours, with nothing but what every manager has. */
export function plainManager(toy: Toy): StateManager {
  const marks = new Map<string, ToyState>()
  let connected = false
  return {
    connect: () => void (connected = true),
    disconnect: () => void (connected = false),
    isConnected: () => connected,
    checkpoint: (name) => void marks.set(name, toy.copy()),
    rollback: (name) => toy.set(marks.get(name)!),
    release: (name) => void marks.delete(name),
    reset: () => marks.clear(),
  }
}
