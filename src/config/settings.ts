import { inspect } from 'node:util'
import { redacted } from '../safety.ts'

/** Printed or written as JSON it shows no password. */
class Discreet {
  toJSON(): object {
    return hidden(Object.fromEntries(Object.entries(this))) as object
  }

  [inspect.custom](): object {
    return this.toJSON()
  }
}

/** One system of the configuration, its place settled. Printed or written as JSON it shows no password. */
export class SystemSettings extends Discreet {
  /** Where it is. It may hold a password. */
  readonly url: string
  readonly backend: string | undefined
  readonly options: Readonly<Record<string, unknown>>
  /** Who said where it is, for messages: `VENOMQA_DB_URL`, `dbUrl in /shop/venomqa.config.ts`. */
  readonly from: string

  constructor(url: string, backend: string | undefined, options: Readonly<Record<string, unknown>>, from: string) {
    super()
    this.url = url
    this.backend = backend
    this.options = options
    this.from = from
  }
}

const SECRET = /pass|secret|token|credential|key$/i

/** A configuration that was read and checked. Printed or written as JSON it shows no password. */
export class Settings extends Discreet {
  /** The configuration file, where there is one. */
  readonly file: string | undefined
  /** Where relative paths start: the folder of the file, else where it was looked for. */
  readonly folder: string
  readonly baseUrl: string | undefined
  readonly systems: Readonly<Record<string, SystemSettings>>
  /** In ms. Undefined: the runner's. */
  readonly timeout: number | undefined
  readonly parallelPaths: number
  readonly verbose: boolean

  constructor(given: Omit<Settings, keyof Discreet>) {
    super()
    this.file = given.file
    this.folder = given.folder
    this.baseUrl = given.baseUrl
    this.systems = given.systems
    this.timeout = given.timeout
    this.parallelPaths = given.parallelPaths
    this.verbose = given.verbose
  }
}

/** The same without what may be secret: passwords of URLs, and whatever has a secret's name. */
function hidden(value: unknown): unknown {
  if (typeof value === 'string') return redacted(value)
  if (Array.isArray(value)) return value.map(hidden)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([name, item]) => [name, SECRET.test(name) ? '***' : hidden(item)]),
  )
}
