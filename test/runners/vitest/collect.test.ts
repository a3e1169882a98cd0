import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { root } from '../package.ts'
import { PATIENCE, type Run, run } from '../project.ts'

vi.setConfig(PATIENCE)

const folder = join(root, 'test/runners/projects/collect')

/** What each file of projects/collect gets wrong: what happened, and what to do. */
const MISTAKES: Record<string, readonly [happened: string, fix: string]> = {
  'unknown-from': [
    'branch("back") starts from "payed", and there is no checkpoint of that name before it on its line.',
    "The checkpoints there are: 'paid', 'sent'.",
  ],
  'unknown-from-none': [
    'branch("back") starts from "paid", and there is no checkpoint of that name',
    "Write checkpoint('paid') where the branch shall start",
  ],
  'outside-step': [
    'step("lonely") stands outside a journey.',
    "Move it into a body: journey('…', () => { step('lonely', …) })",
  ],
  'outside-branch': ['branch("lonely") stands outside a journey.', 'Move it into a body'],
  'outside-checkpoint': ['checkpoint("lonely") stands outside a journey.', 'Move it into a body'],
  'async-journey': [
    'The body of journey "shop" is asynchronous.',
    'Take the async away from the body of journey "shop"',
  ],
  'async-branch': ['The body of branch "later" is asynchronous.', 'and await inside its steps'],
  'duplicate-step': ['There are two steps "one" in journey "shop".', 'Give one another name'],
  'duplicate-checkpoint': ['There are two checkpoints "there" in journey "shop".', 'Give one another name'],
  'duplicate-branch': ['There are two branches "same" in journey "shop".', 'Give one another name'],
  'duplicate-each': [
    'There are two branches "a case" in journey "shop".',
    "in .each put the case into it: 'a case %#'",
  ],
  'duplicate-main-line': ['A branch of journey "shop" is called "main line"', 'Give the branch another name'],
  ambiguous: [
    'branch("unclear") comes after step "two", "three", and the last checkpoint, "there", lies before that.',
    "write checkpoint('…') just above the branch; to start before it, branch('unclear', { from: 'there' }, …)",
  ],
  'ambiguous-none': [
    'branch("unclear") comes after step "one", and there is no checkpoint yet.',
    "write checkpoint('…') just above the branch.",
  ],
  'empty-journey': ['journey "shop" has no steps.', "or journey.todo('shop')"],
  'empty-branch': ['branch "nothing" has no steps.', "or branch.todo('nothing')"],
  'nested-journey': ['journey("inner") stands inside journey "shop".', "Write branch('inner', …)"],
  'no-body-step': ['step("one") has no function to run.', "or step.todo('one')"],
  'no-body-branch': ['branch("nothing") has no function to run.', "Write branch('nothing', () => { … })"],
  'no-body-journey': ['journey("shop") has no function to run.', "Write journey('shop', () => { … })"],
  'no-name': ['step() was called with an empty name.', "Write step('…', …)"],
  'wrong-name': ['step() was called with a function as its name.', "Write step('…', …)"],
  'wrong-option': ['step("one") has no option "timout".', 'These are the options: timeout, retry.'],
  'wrong-value': ['retry of branch("b") is -1, and must be a whole number.', 'or leave retry out'],
  'no-cases': ['journey.each() takes an array of cases.', "Write journey.each([1, 2])('case %d', …)"],
  'in-a-step': ['step("two") stands outside a journey.', 'Move it into a body'],
  'in-a-test': ['Calling the test function inside another test function is not allowed.', 'put it inside "describe"'],
  throws: ['of the body itself', ''],
}

describe.each(['vitest5', 'sources', 'vitest4'] as const)('%s', (origin) => {
  let all: Run
  beforeAll(async () => {
    all = await run('collect', ['--no-isolate'], { origin })
  })

  test.each(Object.entries(MISTAKES))('%s: what happened, at which line, what to do', (file, [happened, fix]) => {
    const source = `${file}.test.ts`
    const failure = all.text.split('FAIL  ').find((part) => part.startsWith(`${source}`))
    const lines = readFixture(source)
    expect(failure).toContain(happened)
    expect(failure).toContain(fix)
    const line = lines.findIndex((text) => text.includes('// here')) + 1
    expect(firstFrame(failure)).toBe(`${source}:${line}`)
    expect(failure).not.toContain('node_modules/venomqa')
    expect(failure).not.toContain('vitest-plugin')
  })

  test('a mistake that was caught leaks into nothing', () => {
    expect(all.passed).toEqual(['mistakes are thrown', 'sound', 'outside again'])
    expect(all.trace).toEqual(['caught', 'sound'])
  })
})

test('every file of the project is expected', () => {
  const files = readdirSync(folder).map((file) => file.replace('.test.ts', ''))
  expect(files.toSorted()).toEqual([...Object.keys(MISTAKES), 'after-a-mistake'].toSorted())
})

function readFixture(file: string): string[] {
  return readFileSync(join(folder, file), 'utf8').split('\n')
}

function firstFrame(failure = ''): string | undefined {
  return /❯ .*?([\w-]+\.test\.ts:\d+):\d+/.exec(failure)?.[1]
}
