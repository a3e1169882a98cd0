import { VenomError } from '../../errors.ts'
import type { ResetOptions } from '../../rollbackable.ts'
import { type Catalog, isClosed } from './catalog.ts'
import { type Http, part } from './http.ts'
import { overlap, streamOf } from './scope.ts'

/** Indices in which migration tools remember what they did: emptied, they would do it again. */
const MIGRATIONS = /(^|[^a-z])(migrations?|migrations_lock|schema_migrations|changelog|changelog_lock|evolutions?)$/

/**
 * Deletes the documents of indices, which keep their mappings and settings. Named as they are, or by patterns.
 *
 * Throws `BAD_ARGUMENT` for an index that is not there.
 */
export async function reset(http: Http, catalog: Catalog, { only, except = [] }: ResetOptions): Promise<void> {
  const { indices } = await catalog.shape()
  const open = [...indices.values()].filter((index) => !isClosed(index))
  const names = [...new Set(open.map(({ name }) => streamOf(name) ?? name))]
  const matches = (name: string, patterns: readonly string[]): boolean =>
    patterns.some((pattern) => overlap(pattern, name))
  for (const name of [...(only ?? []), ...except]) {
    if (!names.some((there) => matches(there, [name]))) throw notThere(name, names)
  }
  const chosen = names.filter((name) => {
    return (only ? matches(name, only) : !MIGRATIONS.test(name.toLowerCase())) && !matches(name, except)
  })
  const body = { query: { match_all: {} } }
  for (const name of chosen) {
    await http.ask('POST', `/${part(name)}/_refresh`)
    await http.ask('POST', `/${part(name)}/_delete_by_query?refresh=true&conflicts=proceed`, body)
  }
}

function notThere(name: string, names: readonly string[]): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    `elasticsearch: there is no index "${name}" to be emptied or left alone.\n` +
      'A name that is not there is most often misspelt.\n' +
      `There are: ${names.toSorted().join(', ') || 'none'}.`,
  )
}
