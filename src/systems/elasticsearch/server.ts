import { VenomError } from '../../errors.ts'
import { type Http, part } from './http.ts'

/** Where Elasticsearch and OpenSearch differ in what we ask of them. */
export class Server {
  readonly http: Http
  readonly isOpenSearch: boolean
  /** `8.12.2` */
  readonly version: string
  readonly cluster: string

  private constructor(http: Http, info: Info) {
    this.http = http
    this.isOpenSearch = info.version.distribution === 'opensearch'
    this.version = info.version.number
    this.cluster = info.cluster_name
  }

  /** Asks who is there. Throws `UNSUPPORTED`. */
  static async at(http: Http): Promise<Server> {
    const info = await http.ask<Info>('GET', '/')
    if (info.version?.number === undefined) throw unknownServer()
    const server = new Server(http, info)
    if (info.version.build_flavor === 'serverless') throw serverless()
    if (server.major < (server.isOpenSearch ? 2 : 8)) throw tooOld(server.name)
    return server
  }

  get name(): string {
    return `${this.isOpenSearch ? 'OpenSearch' : 'Elasticsearch'} ${this.version}`
  }

  get major(): number {
    return Number.parseInt(this.version, 10)
  }

  /** What is asked of `_source` so that all of it comes: since Elasticsearch 9.2 vectors are left out unless one says so. */
  get wholeSource(): true | { readonly exclude_vectors: false } {
    const [major = 0, minor = 0] = this.version.split('.').map(Number)
    return !this.isOpenSearch && (major > 9 || (major === 9 && minor >= 2)) ? { exclude_vectors: false } : true
  }

  /** Opens a point in time of one shard: a reader of it as it is now, as it was last refreshed. */
  async openPit(index: string, shard: string, keepAlive: string): Promise<string> {
    const query = `keep_alive=${keepAlive}&preference=_shards:${shard}`
    const path = this.isOpenSearch ? '_search/point_in_time' : '_pit'
    const reply = await this.http.ask<{ id?: string; pit_id?: string }>('POST', `/${part(index)}/${path}?${query}`)
    return reply.id ?? reply.pit_id ?? ''
  }

  /** Closes a point in time. One that is gone already is as good as closed. */
  async closePit(id: string): Promise<void> {
    const closing = this.isOpenSearch
      ? this.http.ask('DELETE', '/_search/point_in_time', { pit_id: [id] })
      : this.http.ask('DELETE', '/_pit', { id })
    await closing.catch(() => undefined)
  }
}

interface Info {
  readonly cluster_name: string
  readonly version: { readonly number: string; readonly distribution?: string; readonly build_flavor?: string }
}

function unknownServer(): VenomError {
  return new VenomError(
    'UNSUPPORTED',
    'elasticsearch: what answers at this address is neither Elasticsearch nor OpenSearch.\n' +
      'It may be a proxy, or another service on this port.\n' +
      'Give the address of the server itself, such as http://localhost:9200.',
  )
}

function serverless(): VenomError {
  return new VenomError(
    'UNSUPPORTED',
    'elasticsearch: this is Elasticsearch Serverless, which has no cluster state, no tasks and no shards to ask about.\n' +
      'Without those nobody can say what changed.\n' +
      'Run tests against a server of your own; one node is enough.',
  )
}

function tooOld(name: string): VenomError {
  return new VenomError(
    'UNSUPPORTED',
    `elasticsearch: the server is ${name}; Elasticsearch 8 and OpenSearch 2 are the oldest.\n` +
      'Points in time of single shards came with them.\nUse a newer one.',
  )
}
