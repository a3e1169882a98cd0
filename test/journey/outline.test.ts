import { describe, expect, test } from 'vitest'
import type { PathOutcome } from '../../src/journey/limbs.ts'
import { outline } from '../../src/journey/outline.ts'
import { journeyWords } from '../../src/journey/plan.ts'
import { failureText, lineOf, type NodeState, type PathReport, reportOf } from '../../src/journey/report.ts'
import type { Group, JourneyNode, Path } from '../../src/journey/tree.ts'
import type { JourneyWords } from '../../src/journey/words.ts'

const nothing = (): void => {}

/** What became of one path: its outcome and the states of its nodes, in order. */
type Fate = readonly [
  outcome: PathOutcome['outcome'],
  states: string,
  more?: Partial<PathReport> & { retries?: number },
]

const STATES: Record<string, NodeState> = { r: 'ran', p: 'replayed', k: 'kept', f: 'failed', '-': 'not run' }

/** The outline of a journey whose paths met these fates, one letter a node. */
function drawn(write: (words: JourneyWords<object>) => void, ...fates: readonly Fate[]): string[] {
  let collected: JourneyNode | undefined
  const words = journeyWords<object>((node) => (collected = node))
  words.journey('shop', () => write(words))
  const paths = pathsOf(collected!.root).map((path, i): PathOutcome => {
    const [outcome, states, { retries = 0, ...more } = {}] = fates[i]!
    const report: PathReport = { ...reportOf(path), ...more }
    for (const [at, letter] of states.split('').entries()) {
      const node = report.nodes[at]!
      node.state = STATES[letter]!
      if ('rpf'.includes(letter)) node.ms = 2
    }
    return { report, outcome, retries }
  })
  return outline(paths, 'shop.test.ts')
}

function pathsOf(root: Group | Path): Path[] {
  return root.kind === 'path' ? [root] : root.children.flatMap(pathsOf)
}

test('one line is one path', () => {
  expect(
    drawn(
      ({ step, checkpoint }) => {
        step('fill', nothing)
        checkpoint('filled')
        step('pay', nothing)
      },
      ['passed', 'rrr'],
    ),
  ).toEqual([' ✓ shop shop.test.ts (1 path)', '   fill 2.0 ms → ◆ filled → pay 2.0 ms'])
})

describe('branches', () => {
  const shop = ({ step, checkpoint, branch }: JourneyWords<object>): void => {
    step('sign up', nothing)
    checkpoint('signed up')
    step('order', nothing)
    checkpoint('ordered')
    branch('refund', () => {
      step('refund it', nothing)
      checkpoint('refunded')
      branch('again', () => void step('refund again', nothing))
      branch('receipt', () => void step('open', nothing))
    })
    branch('leave', { from: 'signed up' }, () => void step('delete', nothing))
    step('ship', nothing)
  }

  test('hang under the checkpoint they start from, each with its own steps', () => {
    expect(drawn(shop, ['passed', 'rrrrrrr'], ['passed', 'kkkkkkr'], ['passed', 'kkr'], ['passed', 'kkkkr'])).toEqual([
      ' shop shop.test.ts (4 paths)',
      '   sign up 2.0 ms → ◆ signed up',
      '   ├─ ✓ leave',
      '   │  delete 2.0 ms',
      '   order 2.0 ms → ◆ ordered',
      '   ├─ refund',
      '   │  refund it 2.0 ms → ◆ refunded',
      '   │  ├─ ✓ again',
      '   │  │  refund again 2.0 ms',
      '   │  └─ ✓ receipt',
      '   │     open 2.0 ms',
      '   ✓ ship 2.0 ms',
    ])
  })

  test('the last one closes the line when nothing follows', () => {
    expect(
      drawn(
        ({ step, checkpoint, branch }) => {
          step('a', nothing)
          checkpoint('c')
          branch('x', () => void step('b', nothing))
          branch('y', () => void step('d', nothing))
        },
        ['passed', 'rrr'],
        ['passed', 'kkr'],
      ),
    ).toEqual([
      ' shop shop.test.ts (2 paths)',
      '   a 2.0 ms → ◆ c',
      '   ├─ ✓ x',
      '   │  b 2.0 ms',
      '   └─ ✓ y',
      '      d 2.0 ms',
    ])
  })

  test('a shared failure is marked where it happened, and told where it kept a path from running', () => {
    const skipped = 'step "order" failed, reported by "shop > refund > again"'
    expect(
      drawn(
        shop,
        ['failed', 'rrf----', { changed: { since: '◆ signed up', lines: ['db orders: 1 inserted'] } }],
        ['skipped', '-------', { skipped }],
        ['passed', 'kkr'],
        ['skipped', '-----', { skipped }],
      ),
    ).toEqual([
      ' shop shop.test.ts (4 paths, 1 failed)',
      '   sign up 2.0 ms → ◆ signed up',
      '   ├─ ✓ leave',
      '   │  delete 2.0 ms',
      '   ✗ order 2.0 ms → ◆ ordered',
      '   ├─ refund',
      '   │  refund it → ◆ refunded',
      '   │  ├─ ✗ again',
      '   │  │  refund again',
      '   │  │  Δ db orders: 1 inserted',
      '   │  └─ ○ receipt',
      '   │     open',
      `   │     skipped: ${skipped}`,
      '   ○ ship',
      `   skipped: ${skipped}`,
    ])
  })

  test('replays and retries are told', () => {
    expect(
      drawn(
        shop,
        ['passed', 'rrrrrrr', { retries: 2 }],
        ['passed', 'pppppp r'.replace(' ', '')],
        ['passed', 'ppr'],
        ['not run', '-----'],
      ),
    ).toEqual([
      ' shop shop.test.ts (4 paths)',
      '   sign up 2.0 ms (replayed 2×) → ◆ signed up',
      '   ├─ ✓ leave',
      '   │  delete 2.0 ms',
      '   order 2.0 ms (replayed 1×) → ◆ ordered',
      '   ├─ refund',
      '   │  refund it 2.0 ms (replayed 1×) → ◆ refunded',
      '   │  ├─ ✓ again',
      '   │  │  refund again 2.0 ms',
      '   │  │  tried 3 times',
      '   │  └─ ✓ receipt',
      '   │     open 2.0 ms',
      '   · ship',
    ])
  })
})

test('what is to be written keeps its place', () => {
  expect(
    drawn(
      ({ step, checkpoint, branch }) => {
        step('a', nothing)
        checkpoint('c')
        branch.todo('x')
        branch('y', () => step.todo('b'))
        branch('z', () => void step('d', nothing))
      },
      ['todo', '--'],
      ['todo', '---'],
      ['passed', 'rrr'],
    ),
  ).toEqual([
    ' shop shop.test.ts (3 paths)',
    '   a 2.0 ms → ◆ c',
    '   ├─ … x',
    '   ├─ … y',
    '   │  b',
    '   └─ ✓ z',
    '      d 2.0 ms',
  ])
})

test('looks are put on by whoever prints', () => {
  const nodes = [
    { kind: 'step', name: 'a', depth: 0, state: 'ran', ms: 2 },
    { kind: 'checkpoint', name: 'c', depth: 0, state: 'failed' },
    { kind: 'step', name: 'b', depth: 0, state: 'not run' },
  ] as const
  const report: PathReport = { names: ['shop'], nodes: [...nodes] }
  const marked = outline([{ report, outcome: 'failed', retries: 0 }], 'f.ts', (look, text) => `<${look} ${text}>`)
  expect(marked).toEqual([
    ' <red ✗> <bold shop> <dim f.ts (1 path, 1 failed)>',
    '   a <dim 2.0 ms><dim  → ><red ✗ ◆ c><dim  → ><dim b>',
  ])
})

test('a path as one line goes up to what failed', () => {
  const nodes = [
    { kind: 'step', name: 'a', state: 'kept' },
    { kind: 'checkpoint', name: 'c', state: 'kept' },
    { kind: 'step', name: 'b', state: 'failed' },
    { kind: 'step', name: 'd', state: 'not run' },
  ] as const
  expect(lineOf(nodes)).toBe('a → ◆ c → ✗ b')
  expect(lineOf(nodes.slice(0, 2))).toBe('a → ◆ c')
})

test('a failure tells the path and what it changed', () => {
  const nodes = [{ kind: 'step', name: 'a', depth: 0, state: 'failed' }] as const
  expect(failureText({ names: ['j'], nodes: [...nodes] })).toBe('path: ✗ a')
  const changed = { since: 'the start', lines: ['db x: 1 inserted'] }
  expect(failureText({ names: ['j'], nodes: [...nodes], changed })).toBe(
    'path: ✗ a\nchanged since the start:\n  db x: 1 inserted',
  )
})
