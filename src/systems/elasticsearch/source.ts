const KEY = '"_source":'

/** One found document. `_source` is the text that the server has, never a JavaScript value: 1.0 must not become 1. */
export interface Hit {
  readonly _id: string
  readonly _routing?: string
  readonly _seq_no: number
  readonly _version?: number
  readonly _source?: string
  readonly sort: readonly unknown[]
}

/** What of a search's answer we read. */
export interface Found {
  readonly hits: { readonly total?: { readonly value: number }; readonly hits: readonly Hit[] }
  readonly aggregations?: Readonly<Record<string, { readonly buckets: readonly Bucket[] }>>
}

/** One range of sequence numbers: how many documents are in it, and the sum of their numbers. */
export interface Bucket {
  readonly key: number
  readonly doc_count: number
  readonly sum: { readonly value: number }
}

/** Reads the answer of a search with every `_source` as its text. Inside a JSON string the key's quotes are escaped, so it is never met there. */
export function parseFound(text: string): Found {
  const sources: string[] = []
  let [rest, at] = ['', 0]
  for (let key = text.indexOf(KEY); key >= 0; key = text.indexOf(KEY, at)) {
    const from = key + KEY.length
    const to = endOfObject(text, from)
    rest += `${text.slice(at, from)}${sources.length}`
    sources.push(text.slice(from, to))
    at = to
  }
  const found = JSON.parse(rest + text.slice(at)) as Found
  if (sources.length === 0) return found
  const hits = found.hits.hits.map((hit) => ({ ...hit, _source: sources[Number(hit._source)] ?? '' }))
  return { ...found, hits: { ...found.hits, hits } }
}

/** The index just behind the JSON object that begins at `start`. */
function endOfObject(text: string, start: number): number {
  const [string, next] = [/"(?:[^"\\]|\\.)*"/y, /["{}]/g]
  for (let [at, depth] = [start, 0]; ;) {
    next.lastIndex = at
    const found = next.exec(text)
    if (!found) throw new SyntaxError('an object in the answer has no end')
    if (found[0] === '"') {
      string.lastIndex = found.index
      string.exec(text)
      at = string.lastIndex
      continue
    }
    at = found.index + 1
    depth += found[0] === '{' ? 1 : -1
    if (depth === 0) return at
  }
}

/**
 * A `_source` as plain data, in which two are equal if and only if their fields and values are; the order of fields and
 * the blanks between them do not count. A number that JavaScript would write otherwise is told by its text:
 * `{ $number: '1.0' }`.
 */
export function shownSource(source: string): object {
  // TypeScript does not know the third parameter yet: https://github.com/tc39/proposal-json-parse-with-source
  const parse = JSON.parse as (
    text: string,
    reviver: (key: string, value: unknown, context: Context) => unknown,
  ) => object
  return parse(source, (_, value, context) => {
    if (typeof value === 'number') return String(value) === context.source ? value : { $number: context.source }
    const isMistakable = Object(value) === value && TAGS.some((tag) => Object.hasOwn(value as object, tag))
    return isMistakable ? { $object: Object.entries(value as object) } : value
  })
}

interface Context {
  readonly source?: string
}

const TAGS = ['$number', '$object']
