import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { MongoClient } from 'mongodb'
import {
  mongodb,
  type MongodbMark,
  type MongodbOptions,
  type MongodbSystem,
} from '../../../src/systems/mongodb/index.ts'
import { assertSame, type Contents, contentsOf } from './contents.ts'
import { type Operation, reshapings, writes } from './operations.ts'
import { Wire } from './wire.ts'
import { chance } from '../../chance.ts'

/** One step of a program: operations at once, or something with marks. `which` picks among the marks that hold. */
type Step =
  | { readonly do: 'run'; readonly operations: readonly { readonly name: string; readonly seed: number }[] }
  | { readonly do: 'checkpoint' }
  | { readonly do: 'rollback'; readonly which: number; readonly forget: boolean }

const operations: Readonly<Record<string, Operation>> = { ...writes, ...reshapings }

/** With these a program has something to work on. */
const PREPARED = [
  'make a capped',
  'make a time series',
  'insert',
  'insert',
  'index',
  'create',
  'insert many',
  'insert into a time series',
  'insert into a capped',
  'insert several',
  'insert',
  'insert',
]

const named = (names: readonly string[]): fc.Arbitrary<{ name: string; seed: number }> =>
  fc.record({ name: fc.constantFrom(...names), seed: fc.nat() })
const run = (list: fc.Arbitrary<{ name: string; seed: number }[]>): fc.Arbitrary<Step> =>
  list.map((it) => ({ do: 'run', operations: it }))
const single = (names: readonly string[]): fc.Arbitrary<Step> =>
  run(fc.array(named(names), { minLength: 1, maxLength: 1 }))
/** Random programs over two databases, of all operations but those whose names match. */
export function programs(without = /^$/): fc.Arbitrary<Step[]> {
  const but = (names: readonly string[]): string[] => names.filter((name) => !without.test(name))
  const prepare = but(PREPARED).map((name, seed) => ({ do: 'run' as const, operations: [{ name, seed }] }))
  const burst = run(fc.array(named(but(Object.keys(writes))), { minLength: 2, maxLength: 5 }))
  const back = fc.record({ do: fc.constant('rollback' as const), which: fc.nat(9), forget: fc.boolean() })
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.constant<Step>({ do: 'checkpoint' }) },
    { weight: 4, arbitrary: back },
    { weight: 3, arbitrary: burst },
    { weight: 5, arbitrary: single(but(Object.keys(writes))) },
    { weight: 6, arbitrary: single(but(Object.keys(reshapings))) },
  )
  const rest = fc.array(step, { minLength: 4, maxLength: 18 })
  return fc.tuple(fc.constantFrom<Step[]>([], prepare), rest).map(([first, then]) => [...first, ...then])
}

/** One system over two databases, and the connections of two applications. */
export class Bench implements AsyncDisposable {
  readonly system: MongodbSystem
  readonly client: MongoClient
  readonly databases: readonly string[]
  readonly #clients: readonly MongoClient[]
  readonly #wire: Wire
  readonly #order: boolean
  readonly #done = new Set<string>()

  private constructor(
    system: MongodbSystem,
    clients: readonly MongoClient[],
    at: Pick<Bench, 'client' | 'databases'>,
    wire: Wire,
    order: boolean,
  ) {
    this.system = system
    this.#clients = clients
    this.client = at.client
    this.databases = at.databases
    this.#wire = wire
    this.#order = order
  }

  static async open(url: string, options: MongodbOptions = {}): Promise<Bench> {
    const name = `programs_${randomBytes(4).toString('hex')}_test`
    const databases = [`${name}_a`, `${name}_b`]
    // Which a standalone server refuses.
    const retryWrites = options.way !== 'copy'
    const clients = await Promise.all([
      MongoClient.connect(url, { appName: `${name}_a`, retryWrites }),
      MongoClient.connect(url, { appName: `${name}_a`, retryWrites, writeConcern: { w: 1 } }),
    ])
    const client = await MongoClient.connect(url)
    // Other tests on this server leave transactions open for their time.
    const system = mongodb(url, { databases, settle: 20_000, ...options })
    await system.open?.({ id: '1', runner: 'none', runId: name, notice: () => {} })
    return new Bench(system, clients, { client, databases }, await Wire.open(url), options.order === 'exact')
  }

  /** Runs a program, and compares everything after each rollback with a copy that was made at the mark. */
  async run(steps: readonly Step[]): Promise<void> {
    const marks: { readonly mark: MongodbMark; readonly contents: Contents }[] = []
    const take = async (): Promise<void> => {
      const mark = await this.system.checkpoint('mark')
      marks.push({ mark, contents: await this.#contents() })
    }
    const back = async (to: (typeof marks)[number] | undefined): Promise<void> => {
      if (!to) return
      await this.system.rollback(to.mark)
      assertSame(await this.#contents(), to.contents)
    }
    await take()
    for (const step of steps) {
      if (step.do === 'checkpoint') await take()
      else if (step.do === 'run') await Promise.all(step.operations.map(({ name, seed }) => this.#operate(name, seed)))
      else {
        const index = step.which % marks.length
        await back(marks[index])
        if (step.forget) for (const { mark } of marks.splice(index + 1)) this.system.release?.(mark)
      }
    }
    await back(marks[0])
    for (const { mark } of marks) this.system.release?.(mark)
  }

  /** The operations that every time were refused. */
  neverDone(): string[] {
    return Object.keys(operations).filter((name) => !this.#done.has(name))
  }

  /** Empties the databases, whatever a program left in them. */
  async clear(): Promise<void> {
    for (const database of this.databases) await this.client.db(database).dropDatabase()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.system.close?.()
    await this.clear()
    this.#wire.close()
    await Promise.all([this.client, ...this.#clients].map((client) => client.close()))
  }

  #contents(): Promise<Contents> {
    return contentsOf(this.client, this.databases, this.#order)
  }

  async #operate(name: string, seed: number): Promise<void> {
    const [clients, wire, databases] = [this.#clients, this.#wire, this.databases]
    try {
      await operations[name]?.({ clients, wire, databases, below: chance(seed) })
      this.#done.add(name)
    } catch {
      // Refused, as it may be: a name is taken, a collection is not there, a value is not unique.
    }
  }
}
