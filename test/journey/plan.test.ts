import { describe, expect, test, vi } from 'vitest'
import { journeyWords } from '../../src/journey/plan.ts'
import type { Group, JourneyNode, Path } from '../../src/journey/tree.ts'
import type { JourneyWords } from '../../src/journey/words.ts'

const nothing = (): void => {}

/** What `write` collects, with one line a path: its names, its mode if any, its steps and checkpoints. */
function plan(write: (words: JourneyWords<object>) => void): string[] {
  return collect(write).flatMap(({ root }) => pathsOf(root).map(line))
}

function collect(write: (words: JourneyWords<object>) => void): JourneyNode[] {
  const journeys: JourneyNode[] = []
  write(journeyWords((journey) => journeys.push(journey)))
  return journeys
}

function pathsOf(root: Group | Path): Path[] {
  return root.kind === 'path' ? [root] : root.children.flatMap(pathsOf)
}

function line({ names, mode, nodes }: Path): string {
  const walked = nodes.map(({ kind, name }) => (kind === 'checkpoint' ? `◆${name}` : name)).join(' ')
  return `${names.join('/')}${mode === 'run' ? '' : ` (${mode})`}: ${walked}`
}

describe('paths', () => {
  test('a journey without branches is one path', () => {
    expect(
      plan(({ journey, step, checkpoint }) => {
        journey('j', () => {
          step('a', nothing)
          checkpoint('c')
          step('b', nothing)
        })
      }),
    ).toEqual(['j: a ◆c b'])
  })

  test('each branch is a path from the start, and steps after the branches are one more', () => {
    expect(
      plan(({ journey, step, checkpoint, branch }) => {
        journey('j', () => {
          step('a', nothing)
          checkpoint('c')
          branch('x', () => void step('b', nothing))
          branch('y', () => void step('b', nothing))
          step('d', nothing)
        })
      }),
    ).toEqual(['j/x: a ◆c b', 'j/y: a ◆c b', 'j/main line: a ◆c d'])
  })

  test('without steps after the last branch there is no main line', () => {
    expect(
      plan(({ journey, step, checkpoint, branch }) => {
        journey('j', () => {
          step('a', nothing)
          checkpoint('c')
          branch('x', () => void step('b', nothing))
          checkpoint('only a checkpoint')
        })
      }),
    ).toEqual(['j/x: a ◆c b'])
  })

  test('a line goes on between branches: later ones start later', () => {
    expect(
      plan(({ journey, step, checkpoint, branch }) => {
        journey('j', () => {
          branch('at once', () => void step('z', nothing))
          step('a', nothing)
          checkpoint('c')
          branch('x', () => void step('b', nothing))
          step('d', nothing)
          checkpoint('e')
          branch('y', () => void step('f', nothing))
        })
      }),
    ).toEqual(['j/at once: z', 'j/x: a ◆c b', 'j/y: a ◆c d ◆e f'])
  })

  test('branches nest, and each level may go on', () => {
    expect(
      plan(({ journey, step, checkpoint, branch }) => {
        journey('j', () => {
          step('a', nothing)
          checkpoint('c')
          branch('x', () => {
            step('b', nothing)
            checkpoint('c') // The name of an outer line's may be used again.
            branch('p', () => void step('d', nothing))
            branch('q', () => {
              branch('deep', () => void step('e', nothing))
            })
            step('f', nothing)
          })
        })
      }),
    ).toEqual(['j/x/p: a ◆c b ◆c d', 'j/x/q/deep: a ◆c b ◆c e', 'j/x/main line: a ◆c b ◆c f'])
  })

  test('from names an earlier checkpoint, the nearest of that name', () => {
    expect(
      plan(({ journey, step, checkpoint, branch }) => {
        journey('j', () => {
          step('a', nothing)
          checkpoint('first')
          step('b', nothing)
          checkpoint('second')
          step('c', nothing)
          branch('x', { from: 'first' }, () => void step('d', nothing))
          branch('y', { from: 'second' }, () => {
            checkpoint('first')
            step('e', nothing)
            branch('z', { from: 'first' }, () => void step('f', nothing))
          })
        })
      }),
    ).toEqual(['j/x: a ◆first d', 'j/y/z: a ◆first b ◆second ◆first f'])
  })

  test('the runner sees groups where paths part, and a path alone where they do not', () => {
    const [shape] = collect(({ journey, step, checkpoint, branch }) => {
      journey('j', () => {
        step('a', nothing)
        checkpoint('c')
        branch('x', () => {
          step('b', nothing)
          checkpoint('d')
          branch('y', () => void step('e', nothing))
        })
        branch('z', () => void step('f', nothing))
      })
    }).map(({ root }) => shapeOf(root))
    expect(shape).toEqual({ j: [{ x: ['y'] }, 'z'] })
  })

  test('steps take the options of the journey and the branches around them, the nearest first', () => {
    const [journey] = collect(({ journey: declare, step, checkpoint, branch }) => {
      declare('j', { timeout: 1, retry: 1 }, () => {
        step('a', nothing)
        checkpoint('c')
        branch('x', { timeout: 2 }, () => {
          step('b', nothing)
          step('d', nothing, { timeout: 3 })
          step('e', { retry: 4 }, nothing)
          step('f', nothing, 5)
        })
      })
    })
    const [path] = pathsOf(journey!.root)
    const options = path!.nodes.flatMap((node) => (node.kind === 'step' ? [node.options] : []))
    expect(options).toEqual([
      { timeout: 1, retry: 1 },
      { timeout: 2, retry: 1 },
      { timeout: 3, retry: 1 },
      { timeout: 2, retry: 4 },
      { timeout: 5, retry: 1 },
    ])
  })
})

describe('mistakes', () => {
  test('a branch that has only the steps before it is empty', () => {
    const write = ({ journey, step, checkpoint, branch }: JourneyWords<object>): void =>
      journey('j', () => {
        step('a', nothing)
        checkpoint('c')
        branch('x', () => checkpoint('d'))
      })
    expect(() => plan(write)).toThrow('branch "x" has no steps')
  })

  test('an asynchronous body is told once, though what it does after its await fails as well', async () => {
    const rejected = vi.fn()
    process.prependOnceListener('unhandledRejection', rejected)
    const write = ({ journey, step }: JourneyWords<object>): void => {
      const body: () => unknown = async () => {
        await Promise.resolve()
        step('a', nothing)
      }
      journey('j', body)
    }
    expect(() => plan(write)).toThrow('The body of journey "j" is asynchronous')
    await new Promise((resolve) => setTimeout(resolve, 5))
    process.off('unhandledRejection', rejected)
    expect(rejected).not.toHaveBeenCalled()
  })

  test('an option that is undefined is left out', () => {
    const write = ({ journey, step }: JourneyWords<object>): void =>
      journey('j', () => void step('a', nothing, { timeout: undefined } as object))
    expect(plan(write)).toEqual(['j: a'])
  })
})

function shapeOf(node: Group | Path): unknown {
  return node.kind === 'path' ? node.name : { [node.name]: node.children.map(shapeOf) }
}

describe('modes', () => {
  const written = (write: (words: JourneyWords<object>) => void): string[] =>
    plan((words) => {
      words.journey('j', () => {
        words.step('a', nothing)
        words.checkpoint('c')
        write(words)
      })
    })

  test('a step that is only, or to be written, decides for the paths through it', () => {
    expect(
      written(({ step, branch }) => {
        branch('x', () => void step.only('b', nothing))
        branch('y', () => step.todo('b'))
        branch('z', () => {
          step.only('b', nothing)
          step.todo('d')
        })
        branch.only('w', () => step.todo('b'))
        step('e', nothing)
      }),
    ).toEqual([
      'j/x (only): a ◆c b',
      'j/y (todo): a ◆c b',
      'j/z (todo): a ◆c b d',
      'j/w (todo): a ◆c b',
      'j/main line: a ◆c e',
    ])
  })

  test('a step that is skipped is found when its path runs', () => {
    expect(written(({ step, branch }) => branch('x', () => void step.skip('b', nothing)))).toEqual(['j/x: a ◆c b'])
  })

  test('below a skipped branch everything is skipped', () => {
    expect(
      written(({ step, checkpoint, branch }) => {
        branch.skip('x', () => {
          step('b', nothing)
          checkpoint('d')
          branch.only('y', () => void step.only('e', nothing))
          step('f', nothing)
        })
      }),
    ).toEqual(['j/x/y (skip): a ◆c b ◆d e', 'j/x/main line (skip): a ◆c b ◆d f'])
  })

  test('.only on a line keeps its main line with it', () => {
    const [journey] = collect(({ journey: declare, step, checkpoint, branch }) => {
      declare.only('j', () => {
        step('a', nothing)
        checkpoint('c')
        branch('x', () => void step('b', nothing))
        step('d', nothing)
      })
    })
    expect(journey!.root.mode).toBe('only')
    expect(pathsOf(journey!.root).map(line)).toEqual(['j/x: a ◆c b', 'j/main line: a ◆c d'])
  })

  test('.todo runs no body and keeps its place', () => {
    expect(written(({ branch }) => branch.todo('x'))).toEqual(['j/x (todo): a ◆c'])
    expect(plan(({ journey }) => journey.todo('j'))).toEqual(['j (todo): '])
  })

  test('skipIf and runIf', () => {
    expect(
      written(({ step, branch }) => {
        branch.skipIf(1)('w', () => void step('b', nothing))
        branch.skipIf(0)('x', () => void step('b', nothing))
        branch.runIf(1)('y', () => void step('b', nothing))
        branch.runIf(0)('z', () => void step('b', nothing))
      }),
    ).toEqual(['j/w (skip): a ◆c b', 'j/x: a ◆c b', 'j/y: a ◆c b', 'j/z (skip): a ◆c b'])
  })
})

describe('cases', () => {
  test('of a step follow one another, and their values come back as a list', () => {
    let refs: readonly { readonly name: string }[] = []
    const [journey] = collect(({ journey: declare, step }) => {
      declare('j', () => {
        refs = step.each([
          [1, 'one'],
          [2, 'two'],
        ] as const)('%d is %s', (_, number, name) => `${number}${name}`)
      })
    })
    expect(pathsOf(journey!.root).map(line)).toEqual(['j: 1 is one 2 is two'])
    expect(refs.map(({ name }) => name)).toEqual(['1 is one', '2 is two'])
    const bodies = pathsOf(journey!.root)[0]!.nodes.flatMap((node) => (node.kind === 'step' ? [node.body] : []))
    expect(bodies.map((body) => body?.({} as never))).toEqual(['1one', '2two'])
  })

  test('of journeys and branches get their case', () => {
    expect(
      plan(({ journey, step, checkpoint, branch }) => {
        journey.each(['p', 'q'])('j %s', (letter) => {
          step(`a${letter}`, nothing)
          checkpoint('c')
          branch.each([{ n: 1 }])('b $n', ({ n }) => void step(`d${n}`, nothing))
        })
      }),
    ).toEqual(['j p/b 1: ap ◆c d1', 'j q/b 1: aq ◆c d1'])
  })

  test('no cases are no journeys', () => {
    expect(plan(({ journey, step }) => journey.each([])('j %s', () => void step('a', nothing)))).toEqual([])
  })
})

test('collecting runs no step', () => {
  let ran = 0
  plan(({ journey, step }) => journey('j', () => void step('a', () => void ran++)))
  expect(ran).toBe(0)
})

test('a body that throws leaves nothing behind', () => {
  const journeys = collect(({ journey, step, branch, checkpoint }) => {
    const broken = (): void => {
      throw new Error('broken')
    }
    expect(() => journey('j', broken)).toThrow('broken')
    expect(() =>
      journey('j', () => {
        step('a', nothing)
        checkpoint('c')
        branch('x', broken)
      }),
    ).toThrow('broken')
    expect(() => step('a', nothing)).toThrow('stands outside a journey')
    journey('k', () => void step('a', nothing))
  })
  expect(journeys.map(({ name }) => name)).toEqual(['k'])
})
