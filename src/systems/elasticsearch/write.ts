import type { Doc } from './base.ts'
import { type Http, part, statusOf } from './http.ts'
import { parts } from './reader.ts'
import { notWritten } from './troubles.ts'

// Taken at load, so that a runner's fake timers never stop us.
const { setTimeout } = globalThis
/** How much one request holds: documents, and characters. */
const [MOST, LARGEST] = [5000, 8_000_000]
/** How often what a busy server turned away is sent again. */
const TRIES = 10
const [BUSY, CONFLICT] = [429, 409]
const LINES = /[\r\n]/

/** What became of writes. */
export interface Written {
  /** How many sequence numbers they took. */
  readonly taken: number
  /** The numbers of those that are documents now and refreshed, where they are known. */
  readonly numbers: readonly number[] | undefined
}

interface Item {
  readonly status: number
  readonly _seq_no?: number
  readonly error?: { readonly type?: string; readonly reason?: string }
}

/** Makes documents what they must be: the text of each is sent as it is, past every pipeline. */
export class Writer {
  readonly #http: Http

  constructor(http: Http) {
    this.#http = http
  }

  /**
   * Writes documents into an index. With `versions`, each gets the version that it had; with `refresh`, searches find
   * them. Throws `SCHEMA_CHANGED`.
   */
  async write(index: string, docs: readonly Doc[], { versions = false, refresh = false } = {}): Promise<Written> {
    const [flat, alone]: [Doc[], Doc[]] = [[], []]
    for (const doc of docs) (LINES.test(doc.source ?? '') ? alone : flat).push(doc)
    const numbers: number[] = []
    for (const doc of alone) numbers.push(await this.#alone(index, doc, versions))
    const all = portions(flat)
    for (const [at, some] of all.entries()) {
      const isLast = at === all.length - 1
      const made = await this.#together(index, some, { versions, refresh: refresh && isLast })
      numbers.push(...made.numbers)
    }
    if (refresh && all.length === 0 && alone.length > 0) await this.#http.ask('POST', `/${part(index)}/_refresh`)
    return { taken: docs.length, numbers }
  }

  /** Writes documents with their versions, and answers with those of which the server knows a later one. */
  async writeUnlessKnown(index: string, docs: readonly Doc[]): Promise<readonly Doc[]> {
    const known: Doc[] = []
    for (const some of parts(docs)) {
      const flat = some.filter(({ source = '' }) => !LINES.test(source))
      const { conflicting } = await this.#together(index, flat, { versions: true, conflicts: 'told' })
      known.push(...conflicting)
      for (const doc of some.filter(({ source = '' }) => LINES.test(source))) {
        await this.#alone(index, doc, true).catch((error: unknown) => {
          if (statusOf(error) !== CONFLICT) throw error
          known.push(doc)
        })
      }
    }
    return known
  }

  /** A text of several lines cannot be one line of many. Answers with its number. */
  async #alone(index: string, { id, routing, source, version }: Doc, versions: boolean): Promise<number> {
    const query = new URLSearchParams({ pipeline: '_none' })
    if (routing !== undefined) query.set('routing', routing)
    if (versions && version !== undefined) query.set('version', String(version))
    if (versions && version !== undefined) query.set('version_type', 'external')
    const path = `/${part(index)}/_doc/${part(id)}?${query.toString()}`
    return (await this.#http.ask<{ _seq_no: number }>('PUT', path, source))._seq_no
  }

  /** Answers with the numbers of documents, and with those that conflict, where that is asked for. */
  async #together(
    index: string,
    docs: readonly Doc[],
    { versions, conflicts, refresh = false }: { versions: boolean; conflicts?: 'told'; refresh?: boolean },
  ): Promise<{ readonly numbers: readonly number[]; readonly conflicting: readonly Doc[] }> {
    let rest = docs
    const [numbers, conflicting]: [number[], Doc[]] = [[], []]
    for (let tries = 1; rest.length > 0; tries += 1) {
      const body = rest.map((doc) => linesOf(doc, versions)).join('')
      const path = `/${part(index)}/_bulk?pipeline=_none${refresh ? '&refresh=true' : ''}`
      const { items } = await this.#http.ask<{ items: readonly Record<string, Item>[] }>('POST', path, body)
      const failed: { doc: Doc; item: Item | undefined }[] = []
      for (const [at, doc] of rest.entries()) {
        const [item] = Object.values(items[at] ?? {})
        if (conflicts && item?.status === CONFLICT) conflicting.push(doc)
        else if (!item || (item.status >= 300 && (doc.source !== undefined || item.status !== 404)))
          failed.push({ doc, item })
        else if (doc.source !== undefined) numbers.push(item._seq_no ?? 0)
      }
      const final = failed.find(({ item }) => item?.status !== BUSY)
      if (final || (failed.length > 0 && tries === TRIES)) throw failure(index, final ?? failed[0])
      rest = failed.map(({ doc }) => doc)
      if (rest.length > 0) await new Promise((resolve) => setTimeout(resolve, 50 * tries))
    }
    return { numbers, conflicting }
  }
}

/** Documents in parts that one request can hold. */
function portions(docs: readonly Doc[]): Doc[][] {
  const all: Doc[][] = []
  let [some, size]: [Doc[], number] = [[], 0]
  for (const doc of docs) {
    if (some.length === 0 || some.length >= MOST || size >= LARGEST) {
      ;[some, size] = [[], 0]
      all.push(some)
    }
    some.push(doc)
    size += doc.source?.length ?? 0
  }
  return all
}

function linesOf({ id, routing, source, version }: Doc, versions: boolean): string {
  const exact = versions && source !== undefined && version !== undefined ? { version, version_type: 'external' } : {}
  const action = { [source === undefined ? 'delete' : 'index']: { _id: id, routing, ...exact } }
  return `${JSON.stringify(action)}\n${source === undefined ? '' : `${source}\n`}`
}

function failure(index: string, failed: { doc: Doc; item: Item | undefined } | undefined): Error {
  const { type = '', reason = 'no answer' } = failed?.item?.error ?? {}
  return notWritten(index, failed?.doc.id ?? '', `${type}: ${reason}`)
}
