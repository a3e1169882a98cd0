import { inspect } from 'node:util'
import { redacted } from '../safety.ts'

/** One system of the configuration, its place settled. */
export interface SystemSettings {
  /** Where it is. It may hold a password. */
  readonly url: string
  readonly backend?: string
  readonly options: Readonly<Record<string, unknown>>
  /** Who said where it is, for messages: `VENOMQA_DB_URL`, `dbUrl in /shop/venomqa.config.ts`. */
  readonly from: string
}

interface Values {
  readonly file?: string
  readonly folder: string
  readonly baseUrl?: string
  readonly systems: Readonly<Record<string, SystemSettings>>
  readonly timeout?: number
  readonly parallelPaths: number
  readonly verbose: boolean
}

const SECRET = /pass|secret|token|credential|key$/i

/** A configuration that was read and checked. Printed or written as JSON it shows no password. */
export class Settings {
  /** The configuration file; absent when there is none. */
  readonly file?: string
  /** Where relative paths start: the folder of the file, else where it was looked for. */
  readonly folder: string
  readonly baseUrl?: string
  readonly systems: Readonly<Record<string, SystemSettings>>
  /** In ms. Absent: the runner's. */
  readonly timeout?: number
  readonly parallelPaths: number
  readonly verbose: boolean

  constructor({ file, folder, baseUrl, systems, timeout, parallelPaths, verbose }: Values) {
    if (file !== undefined) this.file = file
    this.folder = folder
    if (baseUrl !== undefined) this.baseUrl = baseUrl
    this.systems = systems
    if (timeout !== undefined) this.timeout = timeout
    this.parallelPaths = parallelPaths
    this.verbose = verbose
  }

  toJSON(): object {
    return hidden(Object.fromEntries(Object.entries(this))) as object
  }

  [inspect.custom](): object {
    return this.toJSON()
  }
}

/** The same without what may be secret: passwords of URLs, and whatever has a secret's name. */
function hidden(value: unknown): unknown {
  if (typeof value === 'string') return redacted(value)
  if (Array.isArray(value)) return value.map(hidden)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, SECRET.test(name) ? '***' : hidden(item)]),
  )
}
