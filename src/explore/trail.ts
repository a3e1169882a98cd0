import type { WorldMark } from '../world.ts'
import type { Finding } from './findings.ts'
import type { Call } from './graph.ts'
import { kept, type Look } from './identity.ts'
import type { Judge } from './judge.ts'
import type { Done, Live } from './live.ts'
import type { Values } from './model.ts'
import { withParams } from './params.ts'

/** One step of a path as it was walked. */
export interface Stride {
  /** As it was asked for. */
  readonly asked: Call
  /** With the parameters that it had here. */
  readonly call: Call
  readonly done: Done
  /** None when the action failed. */
  readonly after: Look | undefined
  readonly findings: readonly Finding[]
  /** The checkpoint after it; absent beyond the limit, or when the action failed. */
  readonly mark: WorldMark | undefined
  /** What it changed, a line a table or key. */
  readonly changed: readonly string[]
}

/** How far a path went. */
export interface Walked {
  /** What is wrong before the first step. */
  readonly initial: readonly Finding[]
  readonly strides: readonly Stride[]
  /** The first call that was not possible where it came. */
  readonly impossible: Call | undefined
}

/** Walks whole paths from the start. What a path has in common with the one before it is not walked again. */
export class Trail {
  readonly #live: Live
  readonly #judge: Judge
  readonly #start: WorldMark
  readonly #limit: number
  #strides: Stride[] = []
  #first: { readonly look: Look; readonly findings: readonly Finding[] } | undefined

  constructor(live: Live, judge: Judge, start: WorldMark, limit: number) {
    this.#live = live
    this.#judge = judge
    this.#start = start
    this.#limit = limit
  }

  /** Walks `path` until `until` says that it is enough, a call is not possible, or an action fails. */
  async walk(path: readonly Call[], until: (stride: Stride) => boolean = () => false): Promise<Walked> {
    let length = 0
    while (this.#strides[length] && this.#strides[length]?.asked.key === path[length]?.key) length += 1
    while (length > 0 && !this.#strides[length - 1]?.mark) length -= 1
    this.#strides.length = length
    await this.#live.back(this.#strides.at(-1)?.mark ?? this.#start)
    this.#first ??= await this.#beginning()
    const { findings: initial } = this.#first
    const known = this.#strides.findIndex(until)
    if (known >= 0) return { initial, strides: this.#strides.slice(0, known + 1), impossible: undefined }
    for (const asked of path.slice(length)) {
      const params = this.#isSpent(asked) ? undefined : await this.#live.allowed(asked)
      if (!params) return { initial, strides: this.#strides, impossible: asked }
      const stride = await this.#step(asked, withParams(asked, params), params)
      this.#strides.push(stride)
      if (!stride.after || until(stride)) break
    }
    return { initial, strides: this.#strides, impossible: undefined }
  }

  async #step(asked: Call, call: Call, params: Values): Promise<Stride> {
    const last = this.#strides.at(-1)
    const before = last?.after ?? this.#first!.look
    const from = last?.mark ?? (last ? await this.#live.mark('before the step') : this.#start)
    const done = await this.#live.perform(call, params)
    const seen = done.outcome === 'failed' ? undefined : await this.#live.look()
    const after = seen && { ...seen, ...kept(seen, this.#live.rules.normalize) }
    const again = last?.call.key === call.key
    const findings = await this.#judge.step({ call, done, before, after, again })
    const changed = await this.#live.changed(from, before, after)
    const mark = after && this.#strides.length < this.#limit ? await this.#live.mark(`after ${call.action}`) : undefined
    return { asked, call, done, after, findings, mark, changed }
  }

  async #beginning() {
    const seen = await this.#live.look()
    const findings = await this.#judge.initial(seen)
    return { look: { ...seen, ...kept(seen, this.#live.rules.normalize) }, findings }
  }

  #isSpent({ action }: Call): boolean {
    const limit = this.#live.rules.actions.get(action)?.maxPerPath
    return limit !== undefined && this.#strides.filter(({ call }) => call.action === action).length >= limit
  }
}
