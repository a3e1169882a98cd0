export { placeOf, summary } from './changes.ts'
export { isVenomError, VenomError, type VenomErrorCode } from './errors.ts'
export type { ExploreReport } from './explore/report.ts'
export type { Why } from './explore/why.ts'
export type { Log, LogsOption, LogTail } from './logs.ts'
export {
  type Awaitable,
  type Change,
  type Health,
  type Observation,
  observation,
  type ResetOptions,
  type Restores,
  type Rollbackable,
  type Row,
  type Worker,
} from './rollbackable.ts'
export { type Changes, type Handles, type Systems, World, type WorldMark, type WorldOptions } from './world.ts'
