import type { Change, Observation } from '../../rollbackable.ts'
import type { Image } from './image.ts'

/** A moment of a SQL database. */
export interface Mark {
  readonly name: string
  /** All rows there were. Tables that are as they were at an earlier mark share its copy. */
  readonly image: Image
}

/** How long a way waits for others, in ms, and how many rows it reads. */
export interface Limits {
  readonly settle: number
  readonly maxRows: number
}

/** One way back. */
export interface Way<M extends Mark> {
  checkpoint(name: string): Promise<M>
  rollback(mark: M): Promise<void>
  release(mark: M): Promise<void>
  changes(mark: M): Promise<readonly Change[]>
  observe(): Promise<Observation>
  close(): Promise<void>
}
