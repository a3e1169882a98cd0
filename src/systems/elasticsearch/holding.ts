import type { ResetOptions, Worker } from '../../rollbackable.ts'
import { isClosed } from './catalog.ts'
import type { History } from './history.ts'
import { part } from './http.ts'
import { Identity } from './identity.ts'
import type { ElasticsearchOptions } from './index.ts'
import type { Mark } from './marks.ts'
import { type Begun, textOf } from './note.ts'
import { leaveRepository, type Opened, openIndices } from './open.ts'
import { reset } from './reset.ts'
import { dropCopies } from './worker-indices.ts'

// Taken at load, so that a runner's fake timers never stop us.
const { setInterval, clearInterval } = globalThis
/** How often points in time are kept for another hour, in ms. */
const RENEWAL = 10 * 60_000

/** The id of the document by which the self-test tries. */
const TRIAL = 'venomqa-self-test'

/** Indices while they are ours: leased, and put back should we be killed. */
export class Holding<C> {
  readonly identity: Identity
  readonly #opened: Opened<C>
  readonly #timer: ReturnType<typeof setInterval>
  #first: Mark | undefined

  private constructor(opened: Opened<C>) {
    const { server, history } = opened
    this.#opened = opened
    this.identity = new Identity(server, history)
    this.#timer = setInterval(() => void history.bases.keep(), RENEWAL).unref()
  }

  /** Connects, takes the lease, and puts back what a killed process left. Throws what the parts throw. */
  static async open<C>(url: string, options: ElasticsearchOptions<C>, worker: Worker): Promise<Holding<C>> {
    return new Holding(await openIndices(url, options, worker))
  }

  get client(): C {
    return this.#opened.client
  }

  get url(): string {
    return this.#opened.url
  }

  get history(): History {
    return this.#opened.history
  }

  /** What and where, for people. */
  get name(): string {
    const { scope, server } = this.#opened
    return `${scope.name} on ${server.name}`
  }

  async checkpoint(name: string): Promise<Mark> {
    const mark = await this.history.checkpoint(name)
    if (this.#first) return mark
    this.#first = mark
    await this.#note(mark)
    return mark
  }

  async rollback(mark: Mark): Promise<void> {
    const first = this.#first ?? mark
    const { madeAnew } = await this.history.rollback(mark, (begun) => this.#note(first, begun))
    // Its points in time are gone with the old index.
    if (madeAnew) await this.#note(first)
    await this.history.sweep()
  }

  async reset(options: ResetOptions): Promise<void> {
    await reset(this.#opened.server.http, this.#opened.catalog, options)
  }

  /** Writes an empty document as a step would, and says whether it is still there after `undo`. */
  async tryOut(undo: () => Promise<void>): Promise<boolean> {
    const { http } = this.#opened.server
    const { indices } = await this.#opened.catalog.shape()
    const index = [...indices.values()].find((one) => !isClosed(one) && one.settings['index.blocks.write'] !== 'true')
    if (!index) return false
    const path = `/${part(index.name)}/_doc/${TRIAL}?routing=${TRIAL}`
    // An application's own rules may refuse an empty document; then there is nothing to undo.
    await http.ask('PUT', `${path}&pipeline=_none`, {}).catch(() => undefined)
    await undo()
    return (await http.find(path)) !== undefined
  }

  /** Which server answers. */
  async ping(): Promise<string> {
    const { http, name } = this.#opened.server
    await http.ask('GET', '/_cluster/state/version?filter_path=version')
    return name
  }

  /** Gives back what `open` took. */
  async close(): Promise<void> {
    const { server, history, leases, scope, way, isCopy, closeClient } = this.#opened
    clearInterval(this.#timer)
    try {
      await history.close()
      if (way === 'snapshot') await leaveRepository(server.http, leases)
      if (isCopy) await dropCopies(server, scope)
      await leases.end()
    } finally {
      await closeClient().catch(() => undefined)
      server.http.close()
    }
  }

  /** The points in time of the note outlive later ones, so that it holds though the mark moves on. */
  async #note(first: Mark, begun?: readonly Begun[]): Promise<void> {
    await this.#opened.leases.note(textOf(first, begun))
    await this.history.bases.pin([...first.bases.values()].flatMap(({ pit }) => pit ?? []))
  }
}
