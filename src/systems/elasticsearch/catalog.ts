import { KINDS, type Objects, readObjects } from './objects.ts'
import type { Base, Shard } from './base.ts'
import { part } from './http.ts'
import { parts } from './reader.ts'
import { canonical } from './same.ts'
import type { Scope } from './scope.ts'
import type { Server } from './server.ts'

type Aliases = Readonly<Record<string, Readonly<Record<string, unknown>>>>
type Settings = Readonly<Record<string, string | readonly string[]>>

/** One index but for its documents. */
export interface Index {
  readonly name: string
  readonly mappings: Readonly<Record<string, unknown>>
  /** Flat: `index.refresh_interval`. */
  readonly settings: Settings
  readonly aliases: Aliases
}

/** A data stream: a name for indices that the server makes. */
export interface Stream {
  readonly name: string
  readonly indices: readonly string[]
  readonly aliases: Aliases
  /** All else that the server says of it. */
  readonly definition: Readonly<Record<string, unknown>>
}

/** All but the documents. */
export interface Shape {
  /** The number of the cluster's state, which moves with every change of any shape in it. */
  readonly version: number
  /** One identity for each node's process: another one means that it was started anew. */
  readonly nodes: readonly string[]
  readonly indices: ReadonlyMap<string, Index>
  readonly streams: ReadonlyMap<string, Stream>
  /** One for each of `KINDS`. */
  readonly objects: readonly Objects[]
}

/** What a server sets by itself when it makes, clones or closes an index. */
const BY_ITSELF =
  /^index\.(uuid|creation_date|provided_name|version\.|resize\.|verified_before_close|history\.uuid|routing\.allocation\.initial_recovery|transport_version)/
/** These too, when an index is cloned; but a person may set them when one is made. */
const BY_CLONE = /^index\.(routing_partition_size|number_of_routing_shards)$/

/** Whether an index is closed. */
export function isClosed({ settings }: Index): boolean {
  return settings['index.verified_before_close'] === 'true'
}

export function uuidOf({ settings }: Index): string {
  return String(settings['index.uuid'])
}

/** The settings that say something about the index, not about where it came from. */
export function ownSettings({ settings }: Index): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([key]) => !BY_ITSELF.test(key) && !BY_CLONE.test(key)))
}

/** The settings with which the same index is made again. */
export function makingSettings({ settings }: Index): Settings {
  const isTransient = /^index\.(blocks\.|default_pipeline|final_pipeline|number_of_replicas|lifecycle\.)/
  return Object.fromEntries(
    Object.entries(settings).filter(([key, value]) => {
      if (key === 'index.routing_partition_size' && value === '1') return false
      return !BY_ITSELF.test(key) && !isTransient.test(key)
    }),
  )
}

/** Reads what there is. */
export class Catalog {
  readonly #server: Server
  readonly #scope: Scope
  #known: Shape | undefined

  constructor(server: Server, scope: Scope) {
    this.#server = server
    this.#scope = scope
  }

  /** Whether a name was last seen to stand for an index that is looked after. */
  isAlias(name: string): boolean {
    return [...(this.#known?.indices.values() ?? [])].some(({ aliases }) => Object.hasOwn(aliases, name))
  }

  /** The shape of everything. One round trip while nothing in the cluster changed its shape. */
  async shape(): Promise<Shape> {
    const path = '/_cluster/state/version,nodes?filter_path=version,nodes.*.ephemeral_id'
    const state = await this.#server.http.ask<{ version: number; nodes: Record<string, { ephemeral_id: string }> }>(
      'GET',
      path,
    )
    const nodes = Object.values(state.nodes)
      .map(({ ephemeral_id }) => ephemeral_id)
      .toSorted()
    const known = this.#known
    if (known?.version === state.version && canonical(known.nodes) === canonical(nodes)) return known
    const [indices, streams, ...objects] = await Promise.all([
      this.#indices(),
      this.#streams(),
      ...KINDS.map((kind) => readObjects(this.#server, this.#scope, kind)),
    ])
    this.#known = { version: state.version, nodes, indices, streams, objects }
    return this.#known
  }

  /** Every primary shard, of closed indices too. */
  async shards(): Promise<Map<string, Shard>> {
    const fields = FIELDS.map((field) => `indices.*.${field}`).join()
    const which = 'expand_wildcards=all&ignore_unavailable=true&forbid_closed_indices=false'
    const path = `/${this.#scope.path}/_stats/indexing?level=shards&${which}&filter_path=${fields}`
    const { indices = {} } = await this.#server.http.ask<{ indices?: Record<string, Stats> }>('GET', path)
    const found = new Map<string, Shard>()
    for (const [index, { uuid, shards }] of Object.entries(indices)) {
      if (!this.#scope.holds(index)) continue
      for (const [shard, copies] of Object.entries(shards ?? {})) {
        const primary = copies.find(({ routing }) => routing.primary)
        const [max, deletions] = [primary?.seq_no?.max_seq_no, primary?.indexing?.delete_total ?? 0]
        if (max !== undefined) found.set(`${index}/${shard}`, { index, shard, uuid, max, deletions })
      }
    }
    return found
  }

  /** Makes what was written to these visible to searches. */
  async refresh(bases: Iterable<Pick<Base, 'index'>>): Promise<void> {
    const names = [...new Set(Array.from(bases, ({ index }) => encodeURIComponent(index)))]
    // A path may have 4 kB, a name 255 bytes.
    const asked = parts(names, 12).map((some) => this.#server.http.ask('POST', `/${some.join(',')}/_refresh`))
    await Promise.all(asked)
  }

  async #indices(): Promise<ReadonlyMap<string, Index>> {
    const query = 'expand_wildcards=all&flat_settings=true&ignore_unavailable=true'
    const found = await this.#server.http.ask<Record<string, Omit<Index, 'name'>>>(
      'GET',
      `/${this.#scope.path}?${query}`,
    )
    const ours = Object.entries(found).filter(([name]) => this.#scope.holds(name))
    return new Map(ours.map(([name, { mappings, settings, aliases }]) => [name, { name, mappings, settings, aliases }]))
  }

  async #streams(): Promise<ReadonlyMap<string, Stream>> {
    // OpenSearch shows all of them anyway, and does not know the parameter.
    const path = this.#server.isOpenSearch ? '/_data_stream' : '/_data_stream?expand_wildcards=all'
    const found = await this.#server.http.find<{ data_streams: readonly DataStream[] }>(path)
    const ours = (found?.data_streams ?? []).filter(({ name }) => this.#scope.holds(name))
    const all = ours.map(async ({ name, indices, ...more }): Promise<[string, Stream]> => {
      const named = await this.#server.http.find<Record<string, { aliases?: Aliases }>>(`/${part(name)}/_alias`)
      const aliases = named?.[name]?.aliases ?? {}
      // How its shards are at the moment says nothing of it.
      const definition = Object.fromEntries(Object.entries(more).filter(([key]) => key !== 'status'))
      return [name, { name, indices: indices.map(({ index_name }) => index_name), aliases, definition }]
    })
    return new Map(await Promise.all(all))
  }
}

interface DataStream {
  readonly name: string
  readonly indices: readonly { readonly index_name: string }[]
}

/** What is asked of the statistics. */
const FIELDS = ['uuid', 'shards.*.seq_no.max_seq_no', 'shards.*.routing.primary', 'shards.*.indexing.delete_total']

interface Stats {
  readonly uuid: string
  readonly shards?: Readonly<
    Record<
      string,
      readonly {
        readonly routing: { readonly primary: boolean }
        readonly seq_no?: { readonly max_seq_no: number }
        readonly indexing?: { readonly delete_total: number }
      }[]
    >
  >
}
