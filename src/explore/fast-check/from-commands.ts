import { isDeepStrictEqual } from 'node:util'
import * as fc from 'fast-check'
import { VenomError } from '../../errors.ts'
import type { Systems, World } from '../../world.ts'
import type { Action, Model, View } from '../model.ts'

/** Commands of fast-check that are to be explored. */
export interface CommandsOptions<M extends object, R> {
  readonly commands: readonly fc.Arbitrary<fc.AsyncCommand<M, R, boolean> | fc.AsyncCommand<M, R> | fc.Command<M, R>>[]
  /** Makes the model, which must be plain data, and the real thing. Called once. */
  setup(): fc.ModelRunSetup<M, R> extends () => infer T ? T | Promise<T> : never
  /** How many commands are drawn of each arbitrary. Default 5. */
  readonly samples?: number
  readonly seed?: number
}

/**
 * Makes a model for `explore` of existing commands: `check` becomes `when`, `run` stays, and fast-check's model becomes
 * `ctx.model`, so that it is rolled back with the systems.
 */
export async function fromCommands<S extends Systems, A, C, M extends object, R>(
  world: World<S, A, C>,
  { commands, setup, samples = 5, seed = 1 }: CommandsOptions<M, R>,
): Promise<Model<View<S, A, C>>> {
  const { model, real } = await setup()
  const place = world.ctx as { model?: M }
  if ('model' in place) {
    throw new VenomError(
      'NAME_TAKEN',
      'ctx.model is there already, so the model of the commands has no place.\n' +
        'The model is part of ctx so that it is rolled back with the systems.\n' +
        'Call fromCommands once for each world, and call nothing else in ctx `model`.',
    )
  }
  place.model = model
  const actions: Record<string, Action<View<S, A, C>>> = {}
  const drawn = new Map<string, object[]>()
  for (const command of commands.flatMap((arbitrary) => fc.sample(arbitrary, { seed, numRuns: samples }))) {
    const name = nameOf(command, drawn)
    actions[name] ??= {
      when: async ({ ctx }) => command.check((ctx as { model: M }).model),
      run: ({ ctx }) => command.run((ctx as { model: M }).model, real),
    }
  }
  return { actions }
}

/** What the command calls itself; else its class, with a number where another of it holds other values. */
function nameOf(command: object, drawn: Map<string, object[]>): string {
  const text = String(command)
  if (text !== '[object Object]') return text
  const name = command.constructor.name
  const others = drawn.get(name) ?? []
  drawn.set(name, others)
  let at = others.findIndex((other) => isDeepStrictEqual(other, command))
  if (at < 0) at = others.push(command) - 1
  return at === 0 ? name : `${name} ${at + 1}`
}
