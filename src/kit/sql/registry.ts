import { inspect } from 'node:util'
import { BackendError } from '../../systems/shared/backend-error.ts'

/**
 * How the values of one type go to the database and come back.
 *
 * The law: what a driver gave, read and written again, is the same value in the database:
 * `toDatabase(fromDatabase(x)) = x`. A type that cannot keep it, such as a `Date` for microseconds, is no codec.
 */
export interface Codec<T = unknown> {
  /** The value as the driver takes it. */
  toDatabase(value: T): unknown
  /** What the driver gave, as the value. Never called for NULL. */
  fromDatabase(raw: unknown): T
}

/** How large a column is. */
export interface ColumnSize {
  readonly length?: number
  readonly precision?: number
  readonly scale?: number
}

/** A type that columns have. */
export interface SqlType<T = unknown> extends Codec<T> {
  /** The type as it is written in CREATE TABLE. */
  column(size: ColumnSize): string
  /** What the driver calls it in the columns of a result, in lower case: a name, or its number as text. */
  readonly native?: readonly string[]
  /** Whether a parameter whose type is not named goes by this one. */
  accepts?(value: unknown): boolean
}

/** The types of a database by the names that people use for them. Never changes: `with` makes another one. */
export class TypeRegistry {
  readonly #types: ReadonlyMap<string, SqlType>
  readonly #natives = new Map<string, string>()

  constructor(types: Readonly<Record<string, SqlType>> | ReadonlyMap<string, SqlType> = {}) {
    this.#types = new Map(types instanceof Map ? types : Object.entries(types))
    for (const [name, { native = [] }] of this.#types) for (const it of native) this.#natives.set(it, name)
  }

  /** The names of all types. */
  get names(): readonly string[] {
    return [...this.#types.keys()]
  }

  /** The same types and one more, or one in the place of another. What it accepts goes before what others accept. */
  with<T>(name: string, type: SqlType<T>): TypeRegistry {
    const others = [...this.#types].filter(([other]) => other !== name)
    return new TypeRegistry(new Map<string, SqlType>([[name, type as SqlType], ...others]))
  }

  /** The type `name` for CREATE TABLE: `column('decimal', { precision: 10, scale: 2 })`. Throws `CONVERSION`. */
  column(name: string, size: ColumnSize = {}): string {
    return this.#type(name).column(size)
  }

  /** A parameter as the driver takes it: by the type `name`, or by the first that accepts it. Throws `CONVERSION`. */
  toDatabase(value: unknown, name?: string): unknown {
    if (value === null) return null
    if (value === undefined) throw notConverted('undefined', 'a parameter', 'NULL is written null.')
    const type = name === undefined ? this.#accepting(value) : this.#type(name)
    return type === undefined ? value : type.toDatabase(value)
  }

  /** What the driver gave, as a value of the type `name`. Throws `CONVERSION`. */
  fromDatabase(raw: unknown, name: string): unknown {
    return raw === null || raw === undefined ? null : this.#type(name).fromDatabase(raw)
  }

  /** Which type a driver means by what it calls a column: `VARCHAR(20)`, `numeric`, `1700`. */
  nameOf(native: string): string | undefined {
    return this.#natives.get(native.toLowerCase()) ?? this.#natives.get(native.toLowerCase().replace(/\s*\(.*$/, ''))
  }

  #accepting(value: unknown): SqlType | undefined {
    return [...this.#types.values()].find((type) => type.accepts?.(value))
  }

  #type(name: string): SqlType {
    const type = this.#types.get(name)
    if (type) return type
    throw notConverted(name, 'a type', `These are the types: ${this.names.join(', ')}; with(name, type) adds one.`)
  }
}

/** The error for a value that is not of a type. */
export function notConverted(value: unknown, what: string, fix: string): BackendError {
  return new BackendError(
    { family: 'conversion', code: 'CONVERSION' },
    `${typeof value === 'string' ? JSON.stringify(value) : inspect(value, { breakLength: Infinity })} is not ${what}.\n` +
      'Guessed, it would be another value in the database than in the test.\n' +
      fix,
    { backend: 'types' },
  )
}
