import { spawnSync } from 'node:child_process'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { conformance, type ConformanceOptions, type LawName, lawsFor, type Subject } from '../src/kit/index.ts'
import { broken } from './kit/broken.ts'
import { type InFlight, type Toy, toySubject, toySystem } from './kit/toy.ts'

for (const [kind, inFlight] of [
  ['stack', 'beside'],
  ['tree', 'beside'],
  ['stack', 'waits'],
  ['stack', 'refuses'],
] as ['stack' | 'tree', InFlight][]) {
  describe(`a ${kind} whose checkpoint ${inFlight === 'beside' ? 'goes on beside' : inFlight} a transaction in flight`, () => {
    conformance(test, () => toySubject((toy) => toySystem(toy, kind, inFlight)), {
      runs: inFlight === 'beside' ? 300 : 20,
    })
  })
}

/** Runs the kit as a runner does, and returns what each registered test threw. */
async function verdicts(
  open: () => Subject,
  options: ConformanceOptions = {},
  only?: LawName,
): Promise<ReadonlyMap<string, Error | undefined>> {
  const tests: [name: string, body: () => Promise<void>][] = []
  conformance((name, body) => tests.push([name, body]), open, options)
  const thrown = new Map<string, Error | undefined>()
  for (const [name, body] of tests.filter(([name]) => only === undefined || name.includes(only))) {
    thrown.set(
      name,
      await body().then(
        () => undefined,
        (error: Error) => error,
      ),
    )
  }
  return thrown
}

describe('a kit that never failed proves nothing, so it finds the system that', () => {
  for (const [fault, { fails, make }] of Object.entries(broken)) {
    test(fault, async () => {
      const thrown = await verdicts(() => toySubject(make), { runs: 500 }, fails)
      expect(thrown.get(fails)).toBeInstanceOf(Error)
    })
  }
})

describe('except', () => {
  const cannot: LawName = 'gives the same generated id again'
  const forgetful = (): Subject => toySubject(broken['gives other ids though it declares the same']!.make)

  test('says in the test its reason, and holds when the law fails', async () => {
    const thrown = await verdicts(forgetful, { except: { [cannot]: 'the toy has no sequences' } }, cannot)
    expect([...thrown]).toEqual([[`cannot: ${cannot}, because the toy has no sequences`, undefined]])
  })

  test('fails when the law holds, so that limits cannot rot', async () => {
    const thrown = await verdicts(() => toySubject(), { except: { [cannot]: 'it once did not' } }, cannot)
    expect([...thrown.values()][0]?.message).toBe(`The law holds: ${cannot}. Delete the exception.`)
  })

  test('fails when the law does not run, since the subject lacks the verb', async () => {
    const { generate: _, ...without } = toySubject()
    const thrown = await verdicts(() => without, { except: { [cannot]: 'it once did not' } }, cannot)
    expect([...thrown.values()][0]?.message).toBe(
      'The law does not run here, since the subject has no generate. Delete the exception.',
    )
  })

  test('does not excuse a subject that cannot be opened', async () => {
    const open = (): Subject => {
      throw new Error('connection refused')
    }
    const thrown = await verdicts(open, { except: { [cannot]: 'the toy has no sequences' } }, cannot)
    expect([...thrown.values()][0]?.message).toBe('connection refused')
  })

  test('refuses a name that is no law, and lists the laws', () => {
    const except = { 'undoes everything': 'no' } as ConformanceOptions['except'] & {}
    expect(() => conformance(() => {}, toySubject, { except })).toThrow(
      /^"undoes everything" in except is no law\.\n.*\nThese are the laws:\n {2}undoes an insert, an update and a delete\n/s,
    )
  })
})

describe('a declared capability', () => {
  const law: LawName = 'can prove every capability it declares'

  test('fails when the subject has no verb to check it', async () => {
    const { generate: _, ...without } = toySubject()
    const thrown = await verdicts(() => without, {}, law)
    expect(thrown.get(law)?.message).toBe(
      'The system declares generatedIds, but the subject cannot check it: give the subject generate.',
    )
  })

  test('fails when except takes it back', async () => {
    const except = { 'gives the same generated id again': 'sequences are not restored' } as const
    const thrown = await verdicts(() => toySubject(), { except }, law)
    expect(thrown.get(law)?.message).toMatch('The system declares generatedIds, yet except says that it cannot')
  })
})

describe('a subject that is not honest is told', () => {
  const cases: [law: LawName, what: string, spoil: (good: Required<Subject>) => Partial<Subject>][] = [
    [
      'undoes an insert, an update and a delete',
      'openSubject() must give an empty store.',
      (good) => (good.put('left', 'x'), {}),
    ],
    ['a mark outlives a refused write', 'Missing expected rejection: fail() must throw', () => ({ fail: () => {} })],
    ['undoes a change of schema', 'The subject changed nothing that its shape() shows.', () => ({ reshape: () => {} })],
    [
      'what was created since the mark is gone again',
      'The subject changed nothing that its shape() shows.',
      () => ({ create: () => {} }),
    ],
    ['gives the same generated id again', 'generate() must give a new id each time', () => ({ generate: () => '7' })],
    [
      'keeps values exactly: empty, unicode, very long',
      'The subject itself does not keep these values: mend put() and all().',
      (good) => ({
        all: async () => Object.fromEntries(Object.entries(await good.all()).filter(([, value]) => value !== '')),
      }),
    ],
  ]
  for (const [law, what, spoil] of cases) {
    test(what, async () => {
      const open = (): Subject => {
        const good = toySubject()
        return { ...good, ...spoil(good) }
      }
      expect((await verdicts(open, {}, law)).get(law)?.message).toMatch(what)
    })
  }
})

test('without shape(), a change of schema must be refused when it is done twice, and is then checked by doing it again', async () => {
  const law: LawName = 'undoes a change of schema'
  const strict = (): { subject: Subject; toy: Toy } => {
    let toy: Toy | undefined
    const { shape: _, ...subject } = toySubject((made) => toySystem((toy = made)))
    return { subject, toy: toy! }
  }
  const open = (): Subject => {
    const { subject, toy } = strict()
    const reshape = (): void => {
      if (toy.state.objects.has('kv.added')) throw new Error('column exists')
      toy.state.objects.add('kv.added')
    }
    return { ...subject, reshape }
  }
  expect((await verdicts(open, {}, law)).get(law)).toBeUndefined()
  const lax = await verdicts(() => strict().subject, {}, law)
  expect(lax.get(law)?.message).toMatch('Without shape() the change must be refused when it is done twice')
})

test('a subject of four members, over a system that declares nothing, can keep every law', async () => {
  const open = (): Subject => {
    const map = new Map<string, string>()
    return {
      system: {
        checkpoint: () => new Map(map),
        rollback(mark) {
          map.clear()
          for (const [key, value] of mark as Map<string, string>) map.set(key, value)
        },
      },
      put: (key, value) => void map.set(key, value),
      remove: (key) => void map.delete(key),
      all: () => Object.fromEntries(map),
    }
  }
  expect([...(await verdicts(open)).values()].filter((error) => error)).toEqual([])
})

test('lawsFor() says which laws run, and what the others need', () => {
  const { run, notRun } = lawsFor(toySubject((toy) => toySystem(toy, 'tree')))
  expect(notRun).toEqual([])
  expect(run).toContain('behaves as a stack of copies under any program')
  const map = new Map<string, string>()
  const least: Subject = {
    system: { checkpoint: () => new Map(map), rollback: () => {} },
    put: (key, value) => void map.set(key, value),
    remove: (key) => void map.delete(key),
    all: () => Object.fromEntries(map),
  }
  const few = lawsFor(least)
  expect(few.run).toHaveLength(run.length - few.notRun.length)
  expect(few.notRun).toContainEqual({ law: 'leaves nothing behind', needs: 'leftovers' })
  expect(few.notRun).toContainEqual({ law: 'changes() lists exactly what changed', needs: 'system.changes' })
})

describe('the random programs', () => {
  const law: LawName = 'behaves as a stack of copies under any program'
  const deep = (): Subject => toySubject(broken['goes wrong from the fourth mark on']!.make)
  const programOf = (error: Error | undefined): string => error!.message.split('This is program')[0]!
  beforeEach(() => {
    vi.stubEnv('VENOMQA_FUZZ_RUNS', undefined)
    vi.stubEnv('VENOMQA_SEED', undefined)
  })
  afterEach(() => vi.unstubAllEnvs())

  test('print the shortest program that fails, and the seed that runs it again', async () => {
    const first = (await verdicts(deep, { runs: 500 }, law)).get(law)
    expect(programOf(first)).toMatch(/^The system differs from its model after these steps:\n {2}\w/)
    const [, path, seed] = /VENOMQA_SEED=(\S+) runs it again; VENOMQA_SEED=(\S+) runs all of them again\.$/.exec(
      first!.message,
    )!
    vi.stubEnv('VENOMQA_SEED', path)
    const again = (await verdicts(deep, { runs: 500 }, law)).get(law)
    expect(programOf(again)).toBe(programOf(first))
    expect(again!.message).toMatch('This is program 1 of 500')
    vi.stubEnv('VENOMQA_SEED', seed)
    expect((await verdicts(deep, { runs: 500 }, law)).get(law)?.message).toBe(first!.message)
  })

  test('refuse a seed that is none', async () => {
    vi.stubEnv('VENOMQA_SEED', 'banana')
    const error = (await verdicts(() => toySubject(), {}, law)).get(law)
    expect(error).toMatchObject({ code: 'BAD_ARGUMENT', message: expect.stringMatching('VENOMQA_SEED is "banana"') })
  })

  test('are as many as VENOMQA_FUZZ_RUNS says, on one open subject', async () => {
    vi.stubEnv('VENOMQA_FUZZ_RUNS', '777')
    let opened = 0
    let bases = 0
    const counting = (): Subject => {
      opened++
      return toySubject((toy) => {
        const system = toySystem(toy)
        return { ...system, rollback: (mark: string) => (mark === 'vq_2' && bases++, system.rollback(mark)) }
      })
    }
    expect((await verdicts(counting, {}, law)).get(law)).toBeUndefined()
    expect(opened).toBe(1)
    expect(bases).toBeGreaterThanOrEqual(777)
  })

  test.each([200, 1])('fail when %i ms are too short for all of them', async (timeout) => {
    const slow = (): Subject => {
      const subject = toySubject()
      return {
        ...subject,
        put: (key, value) => new Promise((done) => setTimeout(() => done(subject.put(key, value)), 5)),
      }
    }
    const error = (await verdicts(slow, { timeout }, law)).get(law)
    expect(error?.message).toMatch(/^Only \d+ of 100 programs ran in \d+ ms: give fewer runs, or a longer timeout\.$/)
  })

  test('say how to get fast-check when it is not there', async () => {
    vi.doMock('fast-check', () => {
      throw new Error('Cannot find package')
    })
    const error = (await verdicts(() => toySubject(), {}, law)).get(law)
    vi.doUnmock('fast-check')
    expect(error).toMatchObject({
      code: 'DRIVER_MISSING',
      message: expect.stringMatching(/\nnpm install -D fast-check$/),
    })
  })
})

describe('under node:test', () => {
  const run = (fault = ''): { status: number | null; stdout: string } => {
    const file = new URL('kit/under-node-test.ts', import.meta.url).pathname
    const args = ['--experimental-strip-types', '--disable-warning=ExperimentalWarning', '--test-reporter=tap', file]
    return spawnSync(process.execPath, args, {
      encoding: 'utf8',
      env: { ...process.env, FAULT: fault, NODE_TEST_CONTEXT: '' },
    })
  }

  test('every law holds, and those without their verb are skipped with the reason', () => {
    const { status, stdout } = run()
    expect(stdout).toMatch(/^# fail 0$/m)
    expect(stdout).toMatch(
      "ok 13 - marks made after the one gone back to stay # SKIP the subject has no system.kind 'tree'",
    )
    expect(status).toBe(0)
  })

  test('a broken system fails by the name of its law', () => {
    const { status, stdout } = run('drops connections')
    expect(stdout.match(/^not ok \d+ - .*$/gm)).toEqual([
      expect.stringMatching(/ - connections of the application stay open$/),
    ])
    expect(status).toBe(1)
  })
})
