import { type Http, part, statusOf } from './http.ts'
import type { Scope } from './scope.ts'
import type { Server } from './server.ts'

/** What one of these is, as its own interface takes it. */
export type Definition = Readonly<Record<string, unknown>>
/** Templates, pipelines, policies or scripts by their names. */
export type Objects = ReadonlyMap<string, Definition>

/** One kind of thing that stands beside indices in the cluster's state. */
interface Kind {
  /** How messages and `changes()` call it. */
  readonly name: string
  readonly path: string
  readonly list: (http: Http) => Promise<readonly (readonly [name: string, definition: Definition])[]>
  /** What `PUT` takes. */
  readonly body: (definition: Definition) => object
  readonly onlyElastic?: true
}

type Listed = Readonly<Record<string, Definition>>

/** What the server notes by itself when one of these is written. */
const NOTED = new Set(['created_date', 'created_date_millis', 'modified_date', 'modified_date_millis'])

const plain = async (http: Http, path: string): Promise<[string, Definition][]> =>
  Object.entries(await http.ask<Listed>('GET', path))

async function listed(http: Http, path: string, inner: string): Promise<[string, Definition][]> {
  const reply = await http.ask<Record<string, readonly { name: string; [inner]: Definition }[]>>('GET', path)
  return (reply[`${inner}s`] ?? []).map((one) => [one.name, one[inner] as unknown as Definition])
}

async function scripts(http: Http): Promise<[string, Definition][]> {
  const path = '/_cluster/state/metadata?filter_path=metadata.stored_scripts'
  const { metadata } = await http.ask<{ metadata?: { stored_scripts?: Listed } }>('GET', path)
  return Object.entries(metadata?.stored_scripts ?? {})
}

async function policies(http: Http): Promise<[string, Definition][]> {
  const found = await plain(http, '/_ilm/policy')
  return found.map(([name, { policy }]) => [name, policy as Definition])
}

/** In the order in which one may refer to another: made in this order, removed in the opposite one. */
export const KINDS: readonly Kind[] = [
  { name: '(scripts)', path: '/_scripts', list: scripts, body: (script) => ({ script }) },
  {
    name: '(pipelines)',
    path: '/_ingest/pipeline',
    list: (http) => plain(http, '/_ingest/pipeline'),
    body: (it) => it,
  },
  { name: '(policies)', path: '/_ilm/policy', list: policies, body: (policy) => ({ policy }), onlyElastic: true },
  { name: '(legacy templates)', path: '/_template', list: (http) => plain(http, '/_template'), body: (it) => it },
  {
    name: '(component templates)',
    path: '/_component_template',
    list: (http) => listed(http, '/_component_template', 'component_template'),
    body: (it) => it,
  },
  {
    name: '(index templates)',
    path: '/_index_template',
    list: (http) => listed(http, '/_index_template', 'index_template'),
    body: (it) => it,
  },
]

/** All of one kind that are looked after. */
export async function readObjects({ http, isOpenSearch }: Server, scope: Scope, kind: Kind): Promise<Objects> {
  if (kind.onlyElastic && isOpenSearch) return new Map()
  const found = await kind.list(http).catch((error: unknown) => {
    // A distribution without the feature has no such path.
    if (statusOf(error) === 400 || statusOf(error) === 404 || statusOf(error) === 405) return []
    throw error
  })
  const ours = found.filter(([name, { index_patterns }]) => {
    return scope.holdsObject(name, Array.isArray(index_patterns) ? (index_patterns as string[]) : [])
  })
  return new Map(ours.map(([name, definition]) => [name, withoutNotes(definition)]))
}

/** Makes one what it was. */
export async function writeObject(http: Http, kind: Kind, name: string, definition: Definition): Promise<void> {
  await http.ask('PUT', `${kind.path}/${part(name)}`, kind.body(definition))
}

export async function removeObject(http: Http, kind: Kind, name: string): Promise<void> {
  await http.ask('DELETE', `${kind.path}/${part(name)}`)
}

function withoutNotes(definition: Definition): Definition {
  return Object.fromEntries(Object.entries(definition).filter(([key]) => !NOTED.has(key)))
}
