export { conformance, type ConformanceOptions, lawsFor, type TestFunction } from './conformance.ts'
export { type Need } from './law.ts'
export { type LawName } from './laws.ts'
export { type Expiry, type Subject, type Transaction } from './subject.ts'
