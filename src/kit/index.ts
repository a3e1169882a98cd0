export { conformance, type ConformanceOptions, type Law, lawsFor, type TestFunction } from './conformance.ts'
export { type Need } from './laws.ts'
export { type Expiry, type Subject, type Transaction } from './subject.ts'
