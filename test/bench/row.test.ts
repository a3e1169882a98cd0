import { expect, test } from 'vitest'
import { judge } from '../../bench/row.ts'
import { goal, table } from '../../bench/table.ts'

const row = { work: '10 rows', ours: { name: 'undo', ms: { min: 1, median: 2, runs: 9 } }, correct: true }

test('the fastest peer is what we are compared with, by medians', () => {
  const peers = { copy: { min: 1, median: 300, runs: 9 }, truncate: 100 }
  const judged = judge({ ...row, peers, goal: { atLeast: 50 } })
  expect(judged).toMatchObject({ fastestPeer: 'truncate', value: 50, unit: '×', holds: true, loses: false })
  expect(goal(judged)).toBe('≥ 50×')
})

test('a row that we lose stays, and says so', () => {
  const judged = judge({ ...row, peers: { truncate: 1 } })
  expect(judged).toMatchObject({ holds: null, loses: true })
  expect(table([judged])).toContain('A PEER IS FASTER')
})

test('an overhead is in percent, and too much of it does not hold', () => {
  const judged = judge({ ...row, peers: { plain: 1.6 }, figure: 'overhead', goal: { atMost: 12 } })
  expect(judged.value).toBeCloseTo(25)
  expect(table([judged])).toContain('DOES NOT HOLD')
})

test('a figure of its own needs no peer', () => {
  const judged = judge({ ...row, peers: {}, figure: { value: 12.5, unit: ' µs' }, goal: { atMost: 20 } })
  expect(judged).toMatchObject({ fastestPeer: null, holds: true })
  expect(table([judged])).toMatch(/12\.5 µs +≤ 20 µs +holds/)
})

test('wrong content is said before any figure', () => {
  expect(table([judge({ ...row, peers: { copy: 900 }, goal: { atLeast: 2 }, correct: false })])).toContain(
    'WRONG CONTENT',
  )
})
