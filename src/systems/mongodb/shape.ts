import type { Collection } from './catalog.ts'
import type { Codec, Doc } from './raw.ts'

/** What an option means when it is not written down, in the server's words. */
const DEFAULTS: Readonly<Record<string, unknown>> = {
  validationLevel: 'strict',
  validationAction: 'error',
}
const MODIFIABLE = ['validator', 'validationLevel', 'validationAction', 'changeStreamPreAndPostImages']
const CAP = ['size', 'max']

/** Compares what the catalog says of collections, indexes and views. */
export class Shapes {
  readonly #codec: Codec

  constructor(codec: Codec) {
    this.#codec = codec
  }

  same(one: unknown, other: unknown): boolean {
    if (one === undefined || other === undefined) return one === other
    return this.#codec.bytes(one) === this.#codec.bytes(other)
  }

  sameOptions(one: Doc, other: Doc): boolean {
    return this.same(normal(one), normal(other))
  }

  /** Whether two collections have the same options and indexes. */
  sameCollection(one: Collection, other: Collection): boolean {
    const sorted = ({ indexes }: Collection): Doc => new Map([...indexes].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    return this.sameOptions(one.options, other.options) && this.same(sorted(one), sorted(other))
  }

  /** Whether a collection can be altered to have these options, by collMod. */
  canBecome(wanted: Doc, present: Doc): boolean {
    const rest = (options: Doc): Doc =>
      new Map([...normal(options)].filter(([key]) => ![...MODIFIABLE, ...CAP].includes(key)))
    return this.same(rest(wanted), rest(present))
  }

  /** Whether an index can be altered so, without building it anew. */
  canBecomeIndex(wanted: Doc, present: Doc): boolean {
    const expires = (spec: Doc): boolean => spec.has('expireAfterSeconds')
    return expires(wanted) === expires(present) && this.same(bare(wanted), bare(present))
  }
}

/** The options without those that say what holds anyway: collMod leaves them written out. */
export function normal(options: Doc): Doc {
  const sorted = new Map([...options].toSorted(([a], [b]) => (a < b ? -1 : 1)))
  for (const [key, value] of Object.entries(DEFAULTS)) if (sorted.get(key) === value) sorted.delete(key)
  if ((sorted.get('validator') as Doc | undefined)?.size === 0) sorted.delete('validator')
  const images = sorted.get('changeStreamPreAndPostImages') as Doc | undefined
  if (images?.get('enabled') === false) sorted.delete('changeStreamPreAndPostImages')
  return sorted
}

/** The collMod that gives a collection the wanted options. */
export function modification(collection: string, wanted: Doc, present: Doc): Record<string, unknown> {
  const command: Record<string, unknown> = { collMod: collection }
  const absent: Readonly<Record<string, unknown>> = {
    ...DEFAULTS,
    validator: {},
    changeStreamPreAndPostImages: { enabled: false },
  }
  for (const key of MODIFIABLE) {
    if (wanted.has(key) || present.has(key)) command[key] = wanted.get(key) ?? absent[key]
  }
  if (wanted.has('capped')) {
    command['cappedSize'] = wanted.get('size')
    command['cappedMax'] = wanted.get('max') ?? 0
  }
  return command
}

/** The collMod that gives an index the wanted settings. */
export function indexModification(collection: string, wanted: Doc): Record<string, unknown> {
  const index: Record<string, unknown> = { name: wanted.get('name'), hidden: wanted.get('hidden') ?? false }
  if (wanted.has('expireAfterSeconds')) index['expireAfterSeconds'] = wanted.get('expireAfterSeconds')
  return { collMod: collection, index }
}

/** The options by which the server makes such a collection; it adds the rest of a time series by itself. */
export function creation(options: Doc, isBuckets: boolean): Record<string, unknown> {
  const wanted = new Map(options)
  if (isBuckets) {
    wanted.delete('clusteredIndex')
    wanted.delete('validator')
    const series = new Map(wanted.get('timeseries') as Doc)
    if (!series.has('bucketRoundingSeconds')) series.delete('bucketMaxSpanSeconds')
    wanted.set('timeseries', series)
  }
  return Object.fromEntries(wanted)
}

/** Specs that may be created: one without a collation means the simple one, but would inherit the collection's. */
export function creatable(specs: readonly Doc[], options: Doc): readonly Doc[] {
  if (!options.has('collation')) return specs
  return specs.map((spec) => (spec.has('collation') ? spec : new Map([...spec, ['collation', { locale: 'simple' }]])))
}

function bare(spec: Doc): Doc {
  return new Map([...spec].filter(([key]) => key !== 'hidden' && key !== 'expireAfterSeconds'))
}
