import type { Change } from '../../rollbackable.ts'
import type { Catalog } from './catalog.ts'
import { ChangeStream } from './change-stream.ts'
import { Copies } from './copies.ts'
import type { Log } from './dirty.ts'
import type { Moment } from './history.ts'
import { Oplog } from './oplog.ts'
import { Past } from './past.ts'
import type { Quiet } from './quiet.ts'
import type { Scope } from './scope.ts'
import type { Still } from './still.ts'
import type { Store } from './store.ts'

/** How a database is put back. */
export type WayName = 'past' | 'stream' | 'copy'

/** A mark: a time in the server's history and how it was come to, or copies. */
export type MongodbMark = Moment | Still

/** One way of going back. */
export interface Way {
  checkpoint(name: string): Promise<MongodbMark>
  rollback(mark: MongodbMark): Promise<void>
  changes(since: MongodbMark): Promise<readonly Change[]>
  release(mark: MongodbMark): Promise<void>
}

/** What each way does, for people. */
export const WAYS: Readonly<Record<WayName, string>> = {
  past: 'the oplog says what changed, and the server puts it back from a read in its own past',
  stream: 'a change stream says what changed, and the server puts it back from a read in its own past',
  copy: 'each mark copies the collections that changed, a rollback makes them anew',
}

/** Where a way works. */
export interface Ground {
  readonly store: Store
  readonly scope: Scope
  readonly catalog: Catalog
  readonly quiet: Quiet
  readonly exactOrder: boolean
}

/** Makes a way. Those with a log can tell what happened without looking at the data. */
export function wayOf(name: WayName, ground: Ground): { readonly way: Way; readonly log?: Log; readonly past?: Past } {
  const { store, scope, catalog, quiet } = ground
  if (name === 'copy') return { way: new Copies(store, scope, catalog, quiet) }
  const Reader = name === 'stream' ? ChangeStream : Oplog
  const log = new Reader(store, scope, (uuid) => catalog.first(uuid))
  const past = new Past({ ...ground, log })
  return { way: past, log, past }
}
