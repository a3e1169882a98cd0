import { messageOf, VenomError } from '../../errors.ts'
import { type Http, part, statusOf } from './http.ts'
import { OURS } from './scope.ts'

/** The repository of all worlds on a server, and its folder: a server must not have two in one folder. */
const NAME = `${OURS}snapshots`
const SETTINGS = { location: NAME, max_snapshot_bytes_per_sec: '0' }
const PATH = `/_snapshot/${NAME}`

interface Registered {
  readonly type: string
  readonly settings: { readonly location?: string }
}

/** Where snapshots are, while there are any. */
export class Repository {
  readonly #http: Http

  constructor(http: Http) {
    this.#http = http
  }

  /** Throws `UNSUPPORTED` where the server has no folder for it, `BAD_ARGUMENT` where somebody else has one of its name. */
  async register(): Promise<void> {
    const found = (await this.#http.find<Record<string, Registered>>(PATH))?.[NAME]
    if (found?.settings.location === NAME && found.type === 'fs') return
    if (found) throw notOurs()
    const made = this.#http.ask('PUT', PATH, { type: 'fs', settings: SETTINGS })
    await made.catch((error: unknown) => {
      throw /repository/.test(messageOf(error)) ? noFolder(error) : error
    })
  }

  /** The names of all snapshots in it. */
  async names(): Promise<readonly string[]> {
    const found = await this.#http.find<{ snapshots: readonly { snapshot: string }[] }>(`${PATH}/_all?verbose=false`)
    return (found?.snapshots ?? []).map(({ snapshot }) => snapshot)
  }

  /** Takes a snapshot of indices and data streams as they are. Throws `CHECKPOINT_FAILED` for a part of them only. */
  async take(name: string, indices: readonly string[]): Promise<void> {
    const body = { indices, include_global_state: false }
    const ask = (): Promise<Answer> => this.#http.ask('PUT', `${PATH}/${part(name)}?wait_for_completion=true`, body)
    const { snapshot } = await ask().catch(async (error: unknown) => {
      if (statusOf(error) !== 404) throw error
      // The last of other worlds took the repository away with itself.
      await this.register()
      return ask()
    })
    if (snapshot.shards.failed > 0) throw onlyPart('CHECKPOINT_FAILED', 'taken', indices)
  }

  /** Brings indices and data streams back, none of which may be there. Throws `ROLLBACK_FAILED` for a part of them only. */
  async restore(name: string, indices: readonly string[]): Promise<void> {
    const body = { indices, include_global_state: false }
    const path = `${PATH}/${part(name)}/_restore?wait_for_completion=true`
    const { snapshot } = await this.#http.ask<Answer>('POST', path, body)
    if (snapshot.shards.failed > 0) throw onlyPart('ROLLBACK_FAILED', 'brought back', indices)
  }

  /** Deletes snapshots, if they are there. */
  async delete(names: readonly string[]): Promise<void> {
    for (const name of names) {
      await this.#http.ask('DELETE', `${PATH}/${part(name)}`).catch((error: unknown) => {
        if (statusOf(error) !== 404) throw error
      })
    }
  }

  /** Takes the repository away when nothing is in it. */
  async leave(): Promise<void> {
    if ((await this.names()).length > 0) return
    // Another world may have begun to use it in this moment.
    await this.#http.ask('DELETE', PATH).catch(() => undefined)
  }
}

interface Answer {
  readonly snapshot: { readonly shards: { readonly failed: number } }
}

function noFolder(cause: unknown): VenomError {
  return new VenomError(
    'UNSUPPORTED',
    `elasticsearch: way: 'snapshot' needs a folder on the server, which does not give it: ${messageOf(cause)}\n` +
      'Snapshots of type fs may only be in a folder that path.repo in elasticsearch.yml names, and the server must be able to write there.\n' +
      'Set path.repo: ["/usr/share/elasticsearch/snapshots"] (with Docker: -e path.repo=…) and start the server anew; ' +
      "or use way: 'copies', which needs none but takes no data streams.",
    { cause },
  )
}

function notOurs(): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    `elasticsearch: there is a snapshot repository "${NAME}" already, which is not ours.\n` +
      'What is in it would be taken for what killed runs left, and deleted.\n' +
      `Give it another name; if nobody needs it: curl -X DELETE 'http://…${PATH}'.`,
  )
}

function onlyPart(code: 'CHECKPOINT_FAILED' | 'ROLLBACK_FAILED', what: string, names: readonly string[]): VenomError {
  return new VenomError(
    code,
    `elasticsearch: of the snapshot of ${names.join(', ')} only a part could be ${what}.\n` +
      "The folder of path.repo may be full, or a shard is not on any node.\nThe server's log says which.",
  )
}
