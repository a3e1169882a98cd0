/** What a block took, in milliseconds. */
export interface Timing {
  readonly min: number
  readonly median: number
  readonly runs: number
}

/** One piece of work, done our way and the peers' ways in one run on one machine. */
export interface Row {
  /** The promise it stands for: `P4a`. */
  readonly id?: string
  /** `"100 MB file, 1 row changed"`. */
  readonly work: string
  readonly ours: { readonly name: string; readonly ms: Timing | number }
  readonly peers: Readonly<Record<string, Timing | number>>
  /** What the machine cannot beat, such as one round trip. Shown, but no peer. */
  readonly floor?: { readonly name: string; readonly ms: Timing | number }
  /**
   * What is compared. `speedup` (default): the fastest peer / ours. `ratio`: ours / the fastest peer.
   * `overhead`: how many percent ours is above the fastest peer. Or a figure of your own with its unit.
   */
  readonly figure?: 'speedup' | 'ratio' | 'overhead' | { readonly value: number; readonly unit: string }
  readonly goal?: { readonly atLeast: number } | { readonly atMost: number }
  /** Whether the content was equal after every rollback, ours and the peers'. */
  readonly correct: boolean
}

/** A row with its verdict. */
export interface Judged extends Row {
  readonly fastestPeer: string | null
  readonly value: number
  readonly unit: string
  /** Null without a goal. */
  readonly holds: boolean | null
  /** A peer was faster than we were. */
  readonly loses: boolean
}

/** Compares ours with the fastest peer, by medians. */
export function judge(row: Row): Judged {
  const ours = milliseconds(row.ours.ms)
  const [fastest] = Object.entries(row.peers).toSorted(([, a], [, b]) => milliseconds(a) - milliseconds(b))
  const peer = fastest === undefined ? Number.NaN : milliseconds(fastest[1])
  const { value, unit } = figure(row, ours, peer)
  return { ...row, fastestPeer: fastest?.[0] ?? null, value, unit, holds: reached(row, value), loses: peer < ours }
}

/** The median of a timing. */
export function milliseconds(ms: Timing | number): number {
  return typeof ms === 'number' ? ms : ms.median
}

function figure({ figure = 'speedup' }: Row, ours: number, peer: number): { value: number; unit: string } {
  switch (figure) {
    case 'speedup':
      return { value: peer / ours, unit: '×' }
    case 'ratio':
      return { value: ours / peer, unit: '×' }
    case 'overhead':
      return { value: (ours / peer - 1) * 100, unit: ' %' }
    default:
      return figure
  }
}

function reached({ goal }: Row, value: number): boolean | null {
  if (goal === undefined) return null
  return 'atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost
}
