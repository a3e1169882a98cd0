import { fileURLToPath } from 'node:url'
import { resolve } from 'node:path'
import type { Rollbackable } from '../rollbackable.ts'
import type { SafetyOptions } from '../safety.ts'
import type { ElasticsearchOptions } from '../systems/elasticsearch/index.ts'
import type { MongodbOptions } from '../systems/mongodb/index.ts'
import type { MysqlOptions } from '../systems/mysql/index.ts'
import type { PostgresOptions, TemplateOptions } from '../systems/postgres/index.ts'
import type { RedisOptions } from '../systems/redis/index.ts'
import type { SqliteFileOptions } from '../systems/sqlite/index.ts'

/** A system of ours: by which names and URLs it is known, and what it may be told. */
export interface Kind {
  readonly name: string
  readonly aliases?: readonly string[]
  /** How its URLs begin. */
  readonly begins: RegExp
  /** What it may be told beside the URL, by name. */
  readonly options: Readonly<Record<string, true>>
  /** Loads the system and makes one of it. Relative paths start in `folder`. */
  make(url: string, options: object, folder: string): Promise<Rollbackable>
}

const SAFETY = { allowDatabase: true, allowHosts: true } satisfies Record<keyof SafetyOptions, true>

/** What is built in. Each system is loaded only when one of its URLs is used. */
export const KINDS: readonly Kind[] = [
  {
    name: 'postgres',
    aliases: ['postgresql'],
    begins: /^postgres(ql)?:/i,
    options: { ...SAFETY, way: true, settle: true, keep: true, perWorker: true, terminate: true } satisfies Record<
      keyof PostgresOptions | keyof TemplateOptions,
      true
    >,
    make: async (url, options) => (await import('../systems/postgres/index.ts')).postgres(url, options),
  },
  {
    name: 'mysql',
    aliases: ['mariadb'],
    begins: /^(mysql|mariadb):/i,
    options: { ...SAFETY, settle: true, autoIncrement: true, copy: true, keep: true, perWorker: true } satisfies Record<
      keyof MysqlOptions,
      true
    >,
    make: async (url, options) => (await import('../systems/mysql/index.ts')).mysql(url, options),
  },
  {
    name: 'redis',
    aliases: ['valkey'],
    begins: /^(rediss?|valkeys?|unix):/i,
    options: {
      ...SAFETY,
      prefix: true,
      way: true,
      ttl: true,
      perWorker: true,
      recover: true,
      maxKeys: true,
      maxBytes: true,
      tls: true,
    } satisfies Record<keyof RedisOptions, true>,
    make: async (url, options) => (await import('../systems/redis/index.ts')).redis(url, options),
  },
  {
    name: 'mongodb',
    begins: /^mongodb(\+srv)?:/i,
    options: {
      ...SAFETY,
      databases: true,
      collections: true,
      except: true,
      way: true,
      settle: true,
      order: true,
      perWorker: true,
      recover: true,
    } satisfies Record<keyof MongodbOptions, true>,
    make: async (url, options) => (await import('../systems/mongodb/index.ts')).mongodb(url, options),
  },
  {
    name: 'elasticsearch',
    aliases: ['opensearch'],
    begins: /^https?:/i,
    options: {
      ...SAFETY,
      indices: true,
      except: true,
      prefix: true,
      objects: true,
      way: true,
      versions: true,
      settle: true,
      perWorker: true,
      recover: true,
      client: true,
      tls: true,
    } satisfies Record<keyof ElasticsearchOptions, true>,
    make: async (url, options) => (await import('../systems/elasticsearch/index.ts')).elasticsearch(url, options),
  },
  {
    name: 'sqlite',
    begins: /^(file|sqlite):|^(?![a-z][a-z0-9+.-]+:\/\/)/i,
    options: { allowDatabase: true, way: true, driver: true, settle: true, recover: true } satisfies Record<
      keyof SqliteFileOptions,
      true
    >,
    make: async (url, options, folder) =>
      (await import('../systems/sqlite/index.ts')).sqlite(pathOf(url, folder), options),
  },
]

/** The kind that a URL or a path belongs to. */
export function kindOf(url: string): Kind | undefined {
  return KINDS.find(({ begins }) => begins.test(url))
}

/** The kind of a name. */
export function kindNamed(name: string): Kind | undefined {
  return KINDS.find((kind) => kind.name === name || kind.aliases?.includes(name))
}

/** `file:shop.db`, `sqlite:shop.db`, `sqlite:///tmp/shop.db`, `shop.db`. */
function pathOf(url: string, folder: string): string {
  const [, rest] = /^(?:file|sqlite):(.*)$/i.exec(url) ?? []
  if (rest?.startsWith('//')) return fileURLToPath(`file:${rest}`)
  return resolve(folder, rest ?? url)
}
