import { hash } from 'node:crypto'
import { copy } from '../copy.ts'
import { VenomError } from '../errors.ts'
import type { Observation } from '../rollbackable.ts'
import { canonical } from './canonical.ts'
import type { Normalizer } from './normalize.ts'

/** The data of each system by its name, and of `ctx`. */
export type Observed = Readonly<Record<string, unknown>>

/** What a state looks like at this moment. */
export interface Look {
  /** Equal if and only if the normalised data of all systems and `ctx` is. */
  readonly id: string
  /** The same without `ctx`: what the application itself remembers. */
  readonly systems: string
  /** As it was observed. A simple system hands out its own live data: `kept()` is for later. */
  readonly raw: Observed
  /** Normalised; may be live as well. */
  readonly data: Observed
  /** How much there is, in characters. */
  readonly size: number
}

/** The identity of a state is the SHA-256 of its content, never of counts: a refund changes no count. */
export function look(seen: Readonly<Record<string, Observation>>, normalize: readonly Normalizer[] = []): Look {
  const raw: Record<string, unknown> = {}
  for (const name of Object.keys(seen)) raw[name] = seen[name]?.data
  const data = normalized(raw, normalize)
  const { ctx, ...systems } = data
  const texts = [canonical(systems, 'observed'), canonical(ctx, 'ctx')] as const
  const digest = sha256(texts[0])
  // Without ctx, which is usual, one of the two is enough.
  const id = texts[1] === '{}' ? digest : sha256(digest + texts[1])
  return { id, systems: digest, raw, data, size: texts[0].length + texts[1].length }
}

/** A look that stays as it is when the systems move on. */
export function kept(seen: Look, normalize: readonly Normalizer[]): Pick<Look, 'raw' | 'data'> {
  const raw = copy(seen.raw)
  return { raw, data: normalized(raw, normalize) }
}

function normalized(raw: Observed, normalize: readonly Normalizer[]): Observed {
  return normalize.reduce<unknown>((data, normalizer) => {
    const made = normalizer(data)
    if (typeof made === 'object' && made !== null) return made
    throw new VenomError(
      'BAD_ARGUMENT',
      `A function of normalize answered ${String(made)}.\n` +
        'What it answers is what states are compared by, so without it all would be one.\n' +
        'Let it return the data that it was given, changed in a copy.',
    )
  }, raw) as Observed
}

function sha256(text: string): string {
  return hash('sha256', text, 'base64url')
}
