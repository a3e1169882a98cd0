import type { ElasticsearchOptions } from './index.ts'

/** What all names of ours begin with: leases, and indices while they are made. */
export const OURS = 'venomqa-'

/** Which indices are looked after: those whose names fit one of some patterns, in which `*` stands for anything. */
export class Scope {
  readonly patterns: readonly string[]
  readonly except: readonly string[]
  /** Names of templates, pipelines, policies and scripts that are looked after beside those named like the indices. */
  readonly objects: readonly string[]
  /** Whether the indices of data streams are looked after, which the server names by itself. */
  readonly hasStreams: boolean
  readonly #in: (name: string) => boolean
  readonly #out: (name: string) => boolean
  readonly #object: (name: string) => boolean

  constructor(
    patterns: readonly string[],
    except: readonly string[] = [],
    objects: readonly string[] = [],
    { hasStreams = false } = {},
  ) {
    this.hasStreams = hasStreams
    this.patterns = patterns
    this.except = except
    this.objects = objects
    this.#in = anyOf(patterns)
    this.#out = anyOf(except)
    this.#object = anyOf(objects)
  }

  /** Whether an index of this name is in it. What the server and we ourselves make never is. */
  holds(name: string): boolean {
    const stream = this.hasStreams ? streamOf(name) : undefined
    if (stream !== undefined) return this.holds(stream)
    return !name.startsWith('.') && !name.startsWith(OURS) && this.#in(name) && !this.#out(name)
  }

  /** Whether a template, pipeline, policy or script is in it; a template also when it is only for indices in it. */
  holdsObject(name: string, indexPatterns: readonly string[] = []): boolean {
    if (this.#object(name) || this.holds(name)) return true
    return indexPatterns.length > 0 && indexPatterns.every((pattern) => this.holds(pattern))
  }

  /** Whether an index in it could be meant by this name or pattern. */
  meets(name: string): boolean {
    return name.includes('*') ? this.patterns.some((pattern) => overlap(pattern, name)) : this.holds(name)
  }

  /** The patterns as a part of a path. */
  get path(): string {
    const inStreams = this.hasStreams ? this.patterns.map((pattern) => `.ds-${pattern}-*`) : []
    return [...this.patterns, ...inStreams].map(encodeURIComponent).join(',')
  }

  /** How messages and `way` call it. */
  get name(): string {
    const but = this.except.length > 0 ? ` without ${this.except.join(', ')}` : ''
    return this.patterns.join(', ') + but
  }
}

/** The data stream that an index belongs to, by its name: `.ds-NAME-2026.11.22-000001`, on OpenSearch `.ds-NAME-000001`. */
export function streamOf(index: string): string | undefined {
  return /^\.ds-(.+?)(-\d{4}\.\d\d\.\d\d)?-\d{6,}$/.exec(index)?.[1]
}

/** The patterns that options name for a worker. */
export function patternsOf({ indices = [] }: ElasticsearchOptions<unknown>, prefix: string): readonly string[] {
  if (prefix === '') return [...new Set(indices)]
  return [...new Set(indices.length === 0 ? [`${prefix}*`] : indices.map((name) => prefix + name))]
}

/** Whether some name fits both patterns. */
export function overlap(one: string, other: string): boolean {
  if (one === '' || other === '') return /^\**$/.test(one + other)
  if (one.startsWith('*')) return overlap(one.slice(1), other) || overlap(one, other.slice(1))
  if (other.startsWith('*')) return overlap(other, one)
  return one[0] === other[0] && overlap(one.slice(1), other.slice(1))
}

function anyOf(patterns: readonly string[]): (name: string) => boolean {
  const plain = new Set(patterns.filter((pattern) => !pattern.includes('*')))
  const parts = patterns.filter((pattern) => pattern.includes('*')).map(expression)
  return (name) => plain.has(name) || parts.some((pattern) => pattern.test(name))
}

function expression(pattern: string): RegExp {
  const escaped = pattern.split('*').map((text) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`))
  return new RegExp(`^${escaped.join('.*')}$`, 's')
}
