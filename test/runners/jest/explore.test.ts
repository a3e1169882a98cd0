import { expect, test, vi } from 'vitest'
import { type Format, JestProject } from '../jest-project.ts'

vi.setConfig({ testTimeout: 120_000 })

const EXPLORATION = `import { defineWorld } from 'venomqa/jest'
import { memory } from 'venomqa/memory'

const account = new Map([['paid', 0], ['refunded', 0]])
const { explore, action, journey, step } = defineWorld({ systems: { account: memory(account) } })

const add = (what: string, amount: number) => void account.set(what, account.get(what)! + amount)
const actions = {
  pay: action({ run: () => add('paid', 10) }),
  refund: action({ when: () => account.get('paid')! > 0, run: () => add('refunded', 10) }),
}

explore('no more is refunded than was paid', {
  actions,
  invariants: { 'refunded ≤ paid': () => account.get('refunded')! <= account.get('paid')! },
}, { maxDepth: 4 })

explore('there is nothing to find', { actions }, { maxDepth: 3 })

journey('after them all is as it was', () => {
  step('look', ({ account, expect }) => expect([...account.values()]).toEqual([0, 0]))
})
`

test('one may be run alone, or skipped', () => {
  using project = new JestProject('checkout')
  const modes = `
explore.skip('not now', { actions }, { maxDepth: 3 })
explore.skipIf(process.env.HOME)('not here', { actions }, { maxDepth: 3 })
`
  project.write('account.test.ts', EXPLORATION + modes)
  expect(project.run(['account']).skipped).toEqual(['not now', 'not here'])
  project.write('account.test.ts', EXPLORATION.replace("explore('there", "explore.only('there") + modes)
  expect(project.run(['account'])).toMatchObject({ passed: ['there is nothing to find'], failed: [] })
})

test.each(['swc', 'esm'] as const satisfies readonly Format[])('an exploration is one test of Jest: %s', (format) => {
  using project = new JestProject('checkout', format)
  project.write('account.test.ts', EXPLORATION)
  const { failed, passed, messages } = project.run(['account'])
  expect(failed).toEqual(['no more is refunded than was paid'])
  expect(passed.toSorted()).toEqual(['after them all is as it was', 'there is nothing to find'])
  const message = messages.get('no more is refunded than was paid')!
  expect(message).toContain('refunded ≤ paid')
  expect(message).toMatch(/pay[^]*refund[^]*refund/)
  expect(message).toContain(
    `account.test.ts:${EXPLORATION.split('\n').findIndex((line) => line.startsWith('explore(')) + 1}:`,
  )

  const token = /VENOMQA_REPLAY=(\S+)/.exec(message)?.[1]?.replace(/^'|'$/g, '')
  const again = project.run(['account'], { VENOMQA_REPLAY: token! })
  expect(again.failed).toEqual(['no more is refunded than was paid'])
  expect(again.skipped).toEqual(['there is nothing to find'])
})

const PROPERTY = `import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { World } from 'venomqa'
import { withRollback } from 'venomqa/fast-check'
import { memory } from 'venomqa/memory'

test('every run of a property starts from the same state', async () => {
  const list = new Map([['first', 1]])
  await using world = await World.open({ systems: { list: memory(list) } })
  await using rolled = withRollback(world)
  const property = fc.asyncProperty(fc.string(), async (key) => {
    expect([...list.keys()]).toEqual(['first'])
    list.set(key + '!', 2)
  })
  await fc.assert(rolled.rolledBack(property), { numRuns: 20 })
})
`

test.each(['swc', 'esm'] as const satisfies readonly Format[])('fast-check runs with rollback: %s', (format) => {
  using project = new JestProject('checkout', format)
  project.write('property.test.ts', PROPERTY)
  const { passed, messages } = project.run(['property'])
  expect([...messages.values()].filter(Boolean)).toEqual([])
  expect(passed).toHaveLength(1)
})
