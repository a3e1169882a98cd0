/** A namespace is `database.collection`; a collection's name may have dots, a database's not. */
export function split(namespace: string): readonly [database: string, collection: string] {
  const dot = namespace.indexOf('.')
  return [namespace.slice(0, dot), namespace.slice(dot + 1)]
}

/** Where the buckets of a time-series collection are. */
export const BUCKETS = 'system.buckets.'
/** Where a database keeps its views. */
export const VIEWS = 'system.views'
/** What `$out`, convertToCapped and renames across databases write to before they rename it. */
const HALF_MADE = /^tmp[^.]{0,8}\./

/** Whether a namespace holds the buckets of a time-series collection. */
export function isBuckets(namespace: string): boolean {
  return split(namespace)[1].startsWith(BUCKETS)
}

/** The collection as its users call it. */
export function userName(collection: string): string {
  return collection.startsWith(BUCKETS) ? collection.slice(BUCKETS.length) : collection
}

/** Which collections are looked after: those of some databases, or some of those. */
export class Scope {
  readonly databases: readonly string[]
  readonly #only: ReadonlySet<string> | undefined
  readonly #except: ReadonlySet<string>

  constructor(databases: readonly string[], only: readonly string[] | undefined, except: readonly string[] = []) {
    this.databases = databases
    this.#only = only && new Set(only)
    this.#except = new Set(except)
  }

  /** Whether all collections of the databases are in it. */
  get isWhole(): boolean {
    return this.#only === undefined && this.#except.size === 0
  }

  /** Whether the collection, view or bucket collection is in it. */
  holds(namespace: string): boolean {
    const [database, collection] = split(namespace)
    if (!this.databases.includes(database)) return false
    if (collection === VIEWS || HALF_MADE.test(collection)) return true
    const name = userName(collection)
    if (name.startsWith('system.')) return false
    const listed = (names: ReadonlySet<string>): boolean => names.has(name) || names.has(`${database}.${name}`)
    return (this.#only === undefined || listed(this.#only)) && !listed(this.#except)
  }

  /** A regular expression for namespaces of these databases. */
  get pattern(): string {
    return `^(${this.databases.map((name) => name.replaceAll(/[^\w]/g, String.raw`\$&`)).join('|')})\\.`
  }

  /** How messages and `way` call it. */
  get name(): string {
    const databases = this.databases.join(', ')
    if (this.#only) return `${databases}: ${[...this.#only].join(', ')}`
    return this.#except.size > 0 ? `${databases} without ${[...this.#except].join(', ')}` : databases
  }
}
