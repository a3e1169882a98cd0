import { expect, test } from 'vitest'
import { journeyWords } from '../../src/journey/plan.ts'
import type { Group, JourneyNode, Path, StepNode } from '../../src/journey/tree.ts'
import type { Ref } from '../../src/journey/words.ts'

/** A journey of two branches, with a value for its first step. */
function collected(): { journey: JourneyNode; first: Ref<number>; left: Ref<string>; paths: readonly Path[] } {
  let journey: JourneyNode | undefined
  const refs: { first?: Ref<number>; left?: Ref<string> } = {}
  const { journey: declare, step, checkpoint, branch } = journeyWords<object>((node) => (journey = node))
  declare('shop', () => {
    refs.first = step('first', () => 1)
    checkpoint('here')
    branch('left', () => void (refs.left = step('go left', () => 'left')))
    branch('right', () => void step('go right', () => {}))
  })
  const { children } = journey!.root as Group
  return { journey: journey!, first: refs.first!, left: refs.left!, paths: children as Path[] }
}

/** Lets `journey` be walked along `path` as far as the steps that have values. */
function walk(journey: JourneyNode, path: Path, values: Record<string, unknown>): void {
  const read = (step: StepNode): { value: unknown } | undefined =>
    step.name in values ? { value: values[step.name] } : undefined
  journey.walking = { path, read }
}

test('a value is read off the walk that is under way', () => {
  const { journey, first, paths } = collected()
  walk(journey, paths[0]!, { first: 7 })
  expect(first.value).toBe(7)
  walk(journey, paths[1]!, { first: undefined })
  expect(first.value).toBeUndefined()
})

test('read while no step runs: says so, and where it may be read', () => {
  const { left } = collected()
  expect(() => left.value).toThrow(
    expect.objectContaining({
      code: 'VALUE_OFF_PATH',
      message:
        'The value of step "go left" was read while no step was running.\n' +
        'It belongs to the paths through shop › left, after that step.\n' +
        'Read it inside a later step of such a path, or move the step to before the checkpoint that both share.',
    }),
  )
})

test('read before its step ran', () => {
  const { journey, left, paths } = collected()
  walk(journey, paths[0]!, { first: 1 })
  expect(() => left.value).toThrow('The value of step "go left" was read before the step ran.')
})

test('read on a path that does not go through it', () => {
  const { journey, left, paths } = collected()
  walk(journey, paths[1]!, { first: 1 })
  expect(() => left.value).toThrow(
    'The value of step "go left" was read on the path shop › right, which does not go through it.',
  )
})
