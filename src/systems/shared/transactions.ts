import type { Statement } from './statements.ts'

/** What a statement does to the transaction that it is in; `other` does nothing to it. */
export interface Effect {
  readonly kind: 'begin' | 'commit' | 'rollback' | 'savepoint' | 'rollback to' | 'release' | 'set' | 'prepare' | 'other'
  /** COMMIT AND CHAIN, ROLLBACK AND CHAIN: the next one begins at once. */
  readonly chain: boolean
  /** BEGIN READ ONLY, SET TRANSACTION READ ONLY. */
  readonly readOnly: boolean
}

/** What a statement does to the transaction, by its words: comments and any layout are no matter. */
export function effectOf({ words }: Statement): Effect {
  const [first = '', second = ''] = words
  const has = (...phrase: string[]): boolean => words.join(' ').includes(phrase.join(' '))
  const kind = kindOf(first, second, words.includes('TO'))
  return { kind, chain: has('AND CHAIN'), readOnly: (kind === 'begin' || kind === 'set') && has('READ ONLY') }
}

function kindOf(first: string, second: string, hasTo: boolean): Effect['kind'] {
  switch (first) {
    case 'BEGIN':
      return 'begin'
    case 'START':
      return second === 'TRANSACTION' ? 'begin' : 'other'
    case 'COMMIT':
    case 'END':
      return second === 'PREPARED' ? 'other' : 'commit'
    case 'ROLLBACK':
    case 'ABORT':
      if (second === 'PREPARED') return 'other'
      return hasTo ? 'rollback to' : 'rollback'
    case 'SAVEPOINT':
      return 'savepoint'
    case 'RELEASE':
      return 'release'
    case 'SET':
      return second === 'TRANSACTION' ? 'set' : 'other'
    case 'PREPARE':
      return second === 'TRANSACTION' ? 'prepare' : 'other'
    default:
      return 'other'
  }
}
