import { VenomError } from '../../errors.ts'
import type { ResetOptions } from '../../rollbackable.ts'
import type { Catalog } from './catalog.ts'
import { split, userName } from './scope.ts'
import type { Store } from './store.ts'

/** Collections in which migration tools remember what they did: emptied, they would do it again. */
const MIGRATIONS = new Set([
  'changelog',
  'changelog_lock',
  'migrations',
  'migrations_changelog',
  'migrations_lock',
  '_migrations',
  'schema_migrations',
  'mongockchangelog',
  'mongocklock',
  'databasechangelog',
  'databasechangeloglock',
])

/**
 * Deletes the documents of collections, which keep their indexes and validators. Named as `orders` or `shop_test.orders`.
 *
 * Throws `BAD_ARGUMENT` for a collection that is not there.
 */
export async function reset(store: Store, catalog: Catalog, { only, except = [] }: ResetOptions): Promise<void> {
  const namespaces = await catalog.namespaces()
  const matches = (ns: string, names: readonly string[]): boolean => {
    const [database, collection] = split(ns)
    return names.includes(userName(collection)) || names.includes(`${database}.${userName(collection)}`)
  }
  for (const name of [...(only ?? []), ...except]) {
    if (!namespaces.some((ns) => matches(ns, [name]))) throw notThere(name, namespaces)
  }
  const chosen = namespaces.filter((ns) => {
    const wanted = only ? matches(ns, only) : !MIGRATIONS.has(userName(split(ns)[1]).toLowerCase())
    return wanted && !matches(ns, except)
  })
  await Promise.all(
    chosen.map((ns) => {
      const [database, collection] = split(ns)
      return store.write(database, { delete: userName(collection), deletes: [{ q: {}, limit: 0 }] })
    }),
  )
}

function notThere(name: string, namespaces: readonly string[]): VenomError {
  const names = namespaces.map((ns) => userName(split(ns)[1])).toSorted()
  return new VenomError(
    'BAD_ARGUMENT',
    `mongodb: there is no collection "${name}" to be emptied or left alone.\n` +
      'A name that is not there is most often misspelt.\n' +
      `There are: ${names.join(', ') || 'none'}.`,
  )
}
