import type { Wire } from './wire.ts'

interface Book {
  readonly _source?: { readonly leases: Readonly<Record<string, { readonly patterns: readonly string[] }>> }
}

/**
 * What of ours is in the server though no world is open on the indices of `name`: their leases, and whatever belongs to
 * no lease. Other tests have theirs at the same time.
 */
export async function leftovers(wire: Wire, name: string): Promise<string[]> {
  const book = (await wire.send('GET', '/venomqa-leases/_doc/book')).body as Book
  const leases = Object.entries(book._source?.leases ?? {})
  const mine = leases.filter(([, { patterns }]) => patterns.some((pattern) => pattern.includes(name)))
  const tokens = leases.map(([token]) => token)
  const found = await wire.ask('GET', '/venomqa-*?expand_wildcards=all&filter_path=*.aliases')
  const left = Object.keys(found).filter((index) => {
    return index === 'venomqa-leases' ? leases.length === 0 : !tokens.some((token) => index.includes(token))
  })
  // One that another test made after the book was read is no one's for a moment.
  const later = (await wire.send('GET', '/venomqa-leases/_doc/book')).body as Book
  const since = Object.keys(later._source?.leases ?? {})
  return [
    ...mine.map(([token]) => token),
    ...left.filter((index) =>
      index === 'venomqa-leases' ? since.length === 0 && later._source : !since.some((it) => index.includes(it)),
    ),
  ]
}
