import { VenomError } from '../../errors.ts'
import type { Strategy, StrategyName, StrategyOption } from '../strategy.ts'
import { auto } from './auto.ts'
import { bfs } from './bfs.ts'
import { coverage } from './coverage.ts'
import { dfs } from './dfs.ts'
import { hybrid } from './hybrid.ts'
import { mcts } from './mcts.ts'
import { randomly } from './random.ts'
import { walk } from './walk.ts'
import type { WeightOf } from './weighted.ts'

/** Makes the strategy that the options ask for. */
export function strategyOf(option: StrategyOption, weightOf: WeightOf): Strategy {
  if (typeof option === 'object' && 'next' in option) return option
  const { kind, ...options }: { kind: string } = typeof option === 'string' ? { kind: option } : option
  const make: Readonly<Record<StrategyName | 'hybrid', () => Strategy>> = {
    auto: () => auto(weightOf),
    bfs,
    dfs,
    walk: () => walk(options, weightOf),
    random: () => randomly(weightOf),
    coverage,
    mcts: () => mcts(options),
    hybrid: () => hybrid((options as { slack?: number }).slack ?? 2),
  }
  if (Object.hasOwn(make, kind)) return make[kind as StrategyName | 'hybrid']()
  throw new VenomError(
    'BAD_ARGUMENT',
    `There is no strategy "${kind}".\n` +
      `There are: ${Object.keys(make).join(', ')}, or an object with next(frontier).\n` +
      "Leave it out if in doubt: 'auto' is never far from the best.",
  )
}
