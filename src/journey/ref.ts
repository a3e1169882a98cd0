import { VenomError } from '../errors.ts'
import type { StepNode } from './tree.ts'
import type { Ref } from './words.ts'

/** The value of `step` for the steps after it: read off the walk that is under way, so that it is rolled back like the rest. */
export function refOf<T>(step: StepNode): Ref<T> {
  return {
    name: step.name,
    get value(): T {
      const { walking } = step.journey
      if (!walking) throw offPath(step, 'was read while no step was running')
      const read = walking.read(step)
      if (read) return read.value as T
      if (walking.path.nodes.includes(step)) throw offPath(step, 'was read before the step ran')
      throw offPath(step, `was read on the path ${walking.path.names.join(' › ')}, which does not go through it`)
    },
  }
}

function offPath(step: StepNode, what: string): VenomError {
  return new VenomError(
    'VALUE_OFF_PATH',
    `The value of step "${step.name}" ${what}.\n` +
      `It belongs to the paths through ${step.scope.join(' › ')}, after that step.\n` +
      'Read it inside a later step of such a path, or move the step to before the checkpoint that both share.',
  )
}
