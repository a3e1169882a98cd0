import { describe, expect } from 'vitest'
import { branch, checkpoint, did, journey, step, test, trace } from './world'

const tries = new Map<string, number>()

/** Fails `times` times after it has written. */
function fails(what: string, times: number) {
  return (world: Parameters<ReturnType<typeof did>>[0]): number => {
    did(what)(world)
    const before = tries.get(what) ?? 0
    tries.set(what, before + 1)
    if (before < times) throw new Error(`${what} fails`)
    return before + 1
  }
}

journey('flaky', () => {
  step('a step', did('start'))
  checkpoint('here')
  branch('alone', () => {
    step('first', did('first'))
    const ref = step('flaky', fails('flaky', 1))
    step('last', ({ db, ctx }) => did(`last sees try ${ref.value}`)({ db, ctx }))
  })
  branch('shares', () => {
    step('flaky too', fails('shared', 1))
    checkpoint('there')
    branch('left', () => void step('left', did('left')))
    branch('right', () => void step('right', did('right')))
  })
})

journey('step retry', () => {
  step('a step', did('before'))
  step('tries again', { retry: 2 }, fails('tries', 2))
  checkpoint('tried')
  branch('goes on', () => void step('on', did('on')))
  branch('gives up', () => void step('tries once', fails('gives up', 9), { retry: 1 }))
})

journey('options of a branch', () => {
  step('a step', did('b'))
  checkpoint('c')
  branch('hands its retries on', { retry: 1 }, () => void step('inherits', fails('inherits', 1)))
})

describe('tests', () => {
  test('a plain test', ({ db, ctx }) => {
    expect([...db.keys()]).toEqual([])
    fails('plain', 1)({ db, ctx })
  })
})

trace('collected')
