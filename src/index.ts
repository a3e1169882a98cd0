export { VenomError, type VenomErrorCode } from './errors.ts'
export {
  type Awaitable,
  type Change,
  type Health,
  type Observation,
  type ResetOptions,
  type Restores,
  type Rollbackable,
  type Row,
  type Worker,
  observation,
} from './rollbackable.ts'
