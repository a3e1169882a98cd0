import type { Change, Rollbackable } from '../../src/rollbackable.ts'

/** A small whole backend with integer marks, as a stack of copies, and a log of what was called. */
export class Store implements Rollbackable<number> {
  data: Record<string, number> = {}
  readonly log: string[] = []
  readonly kind: 'stack' | 'tree'
  #marks: Record<string, number>[] = []

  constructor(kind: 'stack' | 'tree' = 'stack') {
    this.kind = kind
  }

  async checkpoint(name: string): Promise<number> {
    this.log.push(`checkpoint ${name}`)
    return this.#marks.push({ ...this.data }) - 1
  }

  async rollback(mark: number): Promise<void> {
    this.log.push(`rollback ${mark}`)
    const copy = this.#marks[mark]
    if (!copy) throw new Error(`no mark ${mark}`)
    this.data = { ...copy }
    if (this.kind === 'stack') this.#marks.length = mark + 1
  }

  async release(mark: number): Promise<void> {
    this.log.push(`release ${mark}`)
  }

  async changes(since: number): Promise<Change[]> {
    const before = this.#marks[since] ?? {}
    const keys = Object.keys({ ...before, ...this.data }).filter((key) => before[key] !== this.data[key])
    return keys.map((key) => ({
      key,
      inserted: key in before ? [] : [{ value: this.data[key] }],
      updated:
        key in before && key in this.data ? [{ before: { value: before[key] }, after: { value: this.data[key] } }] : [],
      deleted: key in this.data ? [] : [{ value: before[key] }],
    }))
  }

  async close(): Promise<void> {
    this.log.push('close')
  }
}

/** What `work` rejected with, or a failure when it did not. */
export async function thrownBy(work: () => unknown): Promise<unknown> {
  try {
    await work()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
