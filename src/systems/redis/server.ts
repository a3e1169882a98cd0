import type { Connection } from './connection.ts'

/** What a server says of itself. */
export interface Server {
  /** `redis 7.0.15`, `valkey 8.0.1`. */
  readonly name: string
  /** The version of Redis it is compatible with; a Valkey says 7.2.4. */
  readonly version: { readonly major: number; readonly minor: number }
  /** Changes when the server is started anew. */
  readonly runId: string
  readonly role: 'master' | 'slave'
  /** Replicas that somebody could connect to. */
  readonly replicas: number
  readonly cluster: boolean
  /** Whether it writes anything to disk. */
  readonly durable: boolean
  readonly maxmemory: number
  readonly eviction: string
}

/** Asks a server what it is. */
export async function serverOf(connection: Connection): Promise<Server> {
  // Section by section: INFO with several names came with Redis 7.
  const sections = await connection.trip(
    ['server', 'replication', 'persistence', 'memory', 'cluster'].map((section) => ['INFO', section]),
  )
  const facts = new Map<string, string>()
  for (const section of sections) {
    if (section instanceof Error) throw section
    for (const [, name, value] of String(section).matchAll(/^([a-z_0-9]+):(.*?)\r?$/gm))
      facts.set(String(name), String(value))
  }
  const fact = (name: string): string => facts.get(name) ?? ''
  const [major = 0, minor = 0] = fact('redis_version').split('.').map(Number)
  const saves = await savePoints(connection)
  return {
    name: facts.has('valkey_version') ? `Valkey ${fact('valkey_version')}` : `Redis ${fact('redis_version')}`,
    version: { major, minor },
    runId: fact('run_id'),
    role: fact('role') === 'slave' ? 'slave' : 'master',
    replicas: [...facts].filter(([name, value]) => /^slave\d+$/.test(name) && !value.includes('port=0,')).length,
    cluster: fact('cluster_enabled') === '1',
    durable: fact('aof_enabled') !== '0' || saves !== '',
    maxmemory: Number(fact('maxmemory')),
    eviction: fact('maxmemory_policy'),
  }
}

/** When the server saves by itself: '' for never, undefined when we may not ask. */
async function savePoints(connection: Connection): Promise<string | undefined> {
  const [reply] = await connection.trip([['CONFIG', 'GET', 'save']])
  return Array.isArray(reply) ? String(reply[1] ?? '') : undefined
}
