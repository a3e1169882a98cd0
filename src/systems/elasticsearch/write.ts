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

interface Item {
  readonly status: number
  readonly error?: { readonly type?: string; readonly reason?: string }
}

/** Makes documents what they must be: the text of each is sent as it is, past every pipeline. */
export class Writer {
  readonly #http: Http

  constructor(http: Http) {
    this.#http = http
  }

  /** Writes documents into an index. With `versions`, each gets the version that it had. Throws `SCHEMA_CHANGED`. */
  async write(index: string, docs: Iterable<Doc>, { versions = false } = {}): Promise<void> {
    let [some, size]: [Doc[], number] = [[], 0]
    for (const doc of docs) {
      if (doc.source !== undefined && LINES.test(doc.source)) {
        await this.#alone(index, doc, versions)
        continue
      }
      some.push(doc)
      size += doc.source?.length ?? 0
      if (some.length < MOST && size < LARGEST) continue
      await this.#together(index, some, versions)
      ;[some, size] = [[], 0]
    }
    await this.#together(index, some, versions)
  }

  /** Writes documents with their versions, and answers with those of which the server knows a later one. */
  async writeUnlessKnown(index: string, docs: readonly Doc[]): Promise<readonly Doc[]> {
    const known: Doc[] = []
    for (const some of parts(docs)) {
      const flat = some.filter(({ source = '' }) => !LINES.test(source))
      known.push(...(await this.#together(index, flat, true, { conflicts: 'told' })))
      for (const doc of some.filter(({ source = '' }) => LINES.test(source))) {
        await this.#alone(index, doc, true).catch((error: unknown) => {
          if (statusOf(error) !== CONFLICT) throw error
          known.push(doc)
        })
      }
    }
    return known
  }

  /** A text of several lines cannot be one line of many. */
  async #alone(index: string, { id, routing, source, version }: Doc, versions: boolean): Promise<void> {
    const query = new URLSearchParams({ pipeline: '_none' })
    if (routing !== undefined) query.set('routing', routing)
    if (versions && version !== undefined) query.set('version', String(version))
    if (versions && version !== undefined) query.set('version_type', 'external')
    await this.#http.ask('PUT', `/${part(index)}/_doc/${part(id)}?${query.toString()}`, source)
  }

  /** Answers with those that conflict, where that is asked for. */
  async #together(
    index: string,
    docs: readonly Doc[],
    versions: boolean,
    { conflicts }: { conflicts?: 'told' } = {},
  ): Promise<readonly Doc[]> {
    let rest = docs
    const conflicting: Doc[] = []
    for (let tries = 1; rest.length > 0; tries += 1) {
      const body = rest.map((doc) => linesOf(doc, versions)).join('')
      const path = `/${part(index)}/_bulk?pipeline=_none`
      const { items } = await this.#http.ask<{ items: readonly Record<string, Item>[] }>('POST', path, body)
      const failed: { doc: Doc; item: Item | undefined }[] = []
      for (const [at, doc] of rest.entries()) {
        const [item] = Object.values(items[at] ?? {})
        if (conflicts && item?.status === CONFLICT) conflicting.push(doc)
        else if (!item || (item.status >= 300 && (doc.source !== undefined || item.status !== 404)))
          failed.push({ doc, item })
      }
      const final = failed.find(({ item }) => item?.status !== BUSY)
      if (final || (failed.length > 0 && tries === TRIES)) throw failure(index, final ?? failed[0])
      rest = failed.map(({ doc }) => doc)
      if (rest.length > 0) await new Promise((resolve) => setTimeout(resolve, 50 * tries))
    }
    return conflicting
  }
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
