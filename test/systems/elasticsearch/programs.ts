import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { Client } from 'elasticsearch8'
import { isVenomError } from '../../../src/errors.ts'
import {
  elasticsearch,
  type ElasticsearchMark,
  type ElasticsearchOptions,
  type ElasticsearchSystem,
} from '../../../src/systems/elasticsearch/index.ts'
import { assertSame, type Contents, contentsOf } from './contents.ts'
import { type Indices, type Operation, prepare } from './operations.ts'
import { Wire } from './wire.ts'
import { chance } from '../../chance.ts'

/** One step of a program: operations at once, or something with marks. `which` picks among the marks that hold. */
type Step =
  | { readonly do: 'run'; readonly operations: readonly { readonly name: string; readonly seed: number }[] }
  | { readonly do: 'checkpoint' }
  | { readonly do: 'observe' }
  | { readonly do: 'rollback'; readonly which: number; readonly forget: boolean }

/** Random programs of operations: those of documents more often. */
export function programs(writes: object, others: object, tree: boolean): fc.Arbitrary<Step[]> {
  const named = (operations: object): fc.Arbitrary<{ name: string; seed: number }> =>
    fc.record({ name: fc.constantFrom(...Object.keys(operations)), seed: fc.nat() })
  const some = (operations: object, most: number): fc.Arbitrary<Step> =>
    fc.array(named(operations), { minLength: 1, maxLength: most }).map((list) => ({ do: 'run', operations: list }))
  const forget = tree ? fc.boolean() : fc.constant(true)
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.constant<Step>({ do: 'checkpoint' }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('rollback' as const), which: fc.nat(9), forget }) },
    { weight: 1, arbitrary: fc.constant<Step>({ do: 'observe' }) },
    { weight: 5, arbitrary: some(writes, 4) },
    { weight: 4, arbitrary: some(others, 1) },
  )
  return fc.array(step, { minLength: 4, maxLength: 14 })
}

/** One system over three indices, and an application. */
export class Bench implements AsyncDisposable {
  readonly name: string
  readonly #url: string
  readonly #wire: Wire
  readonly #options: Partial<ElasticsearchOptions<unknown>>
  readonly #operations: Readonly<Record<string, Operation>>
  readonly #indices: Indices
  readonly #done = new Set<string>()
  #system: ElasticsearchSystem<unknown> | undefined
  /** How many rollbacks were refused by name. */
  refused = 0

  private constructor(
    url: string,
    options: Partial<ElasticsearchOptions<unknown>>,
    operations: Readonly<Record<string, Operation>>,
    indices: Indices,
  ) {
    this.name = `programs_test_${randomBytes(4).toString('hex')}`
    this.#url = url
    this.#options = options
    this.#operations = operations
    this.#indices = indices
    this.#wire = new Wire(url)
  }

  static async open(
    url: string,
    options: Partial<ElasticsearchOptions<unknown>>,
    operations: Readonly<Record<string, Operation>>,
    indices: Indices = {},
  ): Promise<Bench> {
    return new Bench(url, options, operations, indices)
  }

  /** Runs a program, and compares everything after each rollback with a copy that was made at the mark. */
  async run(steps: readonly Step[]): Promise<void> {
    const system = await this.#open()
    const versions = this.#options.versions === 'exact'
    const marks: { readonly mark: ElasticsearchMark; readonly contents: Contents; readonly look: string }[] = []
    const look = async (): Promise<string> => JSON.stringify((await system.observe()).data, asText)
    const take = async (): Promise<void> => {
      const mark = await system.checkpoint('mark')
      const contents = await contentsOf(this.#wire, this.name, versions)
      marks.push({ mark, contents, look: marks.length === 0 ? await look() : '' })
    }
    const back = async (to: (typeof marks)[number] | undefined): Promise<void> => {
      if (!to) return
      await system.rollback(to.mark)
      assertSame(await contentsOf(this.#wire, this.name, versions), to.contents)
      if (to.look !== '' && (await look()) !== to.look)
        throw new Error(`observe() differs: ${await look()} from ${to.look}`)
    }
    await take()
    try {
      for (const step of steps) {
        if (step.do === 'checkpoint') await take()
        else if (step.do === 'observe') await system.observe()
        else if (step.do === 'run')
          await Promise.all(step.operations.map(({ name, seed }) => this.#operate(name, seed)))
        else {
          const index = step.which % marks.length
          await back(marks[index])
          if (step.forget) for (const { mark } of marks.splice(index + 1)) await system.release?.(mark)
        }
      }
      await back(marks[0])
    } catch (error) {
      // A refusal by name leaves all as it was; the next program begins on indices made anew.
      if (!isVenomError(error) || !/Nothing was touched|point in time/.test(error.message)) throw error
      this.refused += 1
      await this.clear()
      return
    }
    for (const { mark } of marks) await system.release?.(mark)
  }

  /** The operations that every time were refused. */
  neverDone(): string[] {
    return Object.keys(this.#operations).filter((name) => !this.#done.has(name))
  }

  /** Deletes everything, whatever a program left. */
  async clear(): Promise<void> {
    const system = this.#system
    this.#system = undefined
    await Promise.allSettled([system?.close?.()])
    await this.#wire.send('DELETE', `/_data_stream/${this.name}-log*`)
    const path = '/_cluster/state/routing_table?filter_path=routing_table.indices.*.shards.0.shard&expand_wildcards=all'
    const { routing_table = {} } = (await this.#wire.ask('GET', path)) as { routing_table?: { indices?: object } }
    for (const index of Object.keys(routing_table.indices ?? {}).filter((it) => it.startsWith(this.name))) {
      const kinds = ['write', 'read', 'read_only', 'metadata'].map((kind) => [`index.blocks.${kind}`, null])
      await this.#wire.ask('PUT', `/${index}/_settings`, Object.fromEntries(kinds))
      await this.#wire.ask('DELETE', `/${index}`)
    }
    const objects = [
      '_index_template/N-template',
      '_index_template/N-stream',
      '_component_template/N-part',
      '_template/N-old',
      '_scripts/N-script',
    ]
    for (const path of [...objects, '_ingest/pipeline/N-stamp', '_ilm/policy/N-policy']) {
      await this.#wire.send('DELETE', `/${path.replace('N', this.name)}`)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.clear()
    this.#wire.close()
  }

  async #open(): Promise<ElasticsearchSystem<unknown>> {
    if (this.#system) return this.#system
    await prepare(this.#wire, this.name, this.#indices)
    const client: unknown = new Client({ node: this.#url })
    const system = elasticsearch(this.#url, { indices: [`${this.name}-*`], client, settle: 20_000, ...this.#options })
    await system.open?.({ id: '1', runner: 'none', runId: this.name, notice: () => {} })
    this.#system = system
    return system
  }

  async #operate(name: string, seed: number): Promise<void> {
    try {
      await this.#operations[name]?.({ wire: this.#wire, name: this.name, below: chance(seed) })
      this.#done.add(name)
    } catch {
      // Refused, as it may be: a block, a version, an index that is closed.
    }
  }
}

function asText(_: string, value: unknown): unknown {
  return value instanceof Map ? [...value] : value
}
