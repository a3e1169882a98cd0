import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Corpus } from './corpus.ts'
import { type Found, sameRule } from './findings.ts'
import { fileNameOf, isJourney, journeyFile } from './journey-file.ts'
import { isStuck, type Live } from './live.ts'
import type { Settings } from './options.ts'
import { isEnumerable } from './params.ts'
import type { Violation } from './report.ts'
import type { Search } from './search.ts'
import { shrink } from './shrink.ts'
import { tokenOf } from './token.ts'
import type { Trail, Walked } from './trail.ts'

/** What a violation is made with. */
export interface Workshop {
  readonly settings: Settings
  readonly live: Live
  readonly search: Search
  readonly trail: Trail
  /** `performance.now()` when a path has to do as it is. */
  readonly deadline: number
}

/** Makes a finding short, walks it once more from the start, and writes down what people need to see it again. */
export async function violationOf(found: Found & { readonly count: number }, workshop: Workshop): Promise<Violation> {
  const { settings } = workshop
  const { finding, count } = found
  const single = isJourney(finding)
  const { short, minimal, walked } = await shortened(found, workshop)
  const { initial, strides } = walked ?? NOT_WALKED
  const last = short.length === 0 ? initial : (strides[short.length - 1]?.findings ?? [])
  const again = last.find((other) => sameRule(other, finding))
  const path = short.map((call, i) => strides[i]?.call ?? call)
  const recorded = { name: settings.name, path }
  const journey = single ? journeyFile(finding, path, settings.journey) : undefined
  return {
    ...finding,
    message: again?.message ?? finding.message,
    path: path.map(({ action, params }, i) => {
      const { done, changed } = strides[i] ?? {}
      return { action, params, status: done?.status, changed }
    }),
    minimal,
    reproduced: !walked || again !== undefined,
    count,
    replay: tokenOf(recorded),
    journey,
    file:
      journey === undefined || finding.level !== 'error'
        ? undefined
        : keep(fileNameOf(finding, path), journey, workshop, recorded),
  }
}

/** The finding on a path as short as can be, and that path walked once more, where there is one and the world can. */
async function shortened(found: Found, workshop: Workshop) {
  const { live, search, trail } = workshop
  const raw = { short: found.path, minimal: 'raw' as const, walked: undefined }
  if (live.isStuck) return raw
  const minimal = minimalityOf(found, workshop)
  try {
    const short = minimal === 'shrunk' ? await shrink(found, { ...workshop, graph: search.graph }) : found.path
    return { short, minimal, walked: isJourney(found.finding) ? await trail.walk(short) : undefined }
  } catch (error) {
    if (isStuck(error)) return raw
    throw error
  }
}

const NOT_WALKED: Walked = { initial: [], strides: [], impossible: undefined }

function minimalityOf({ finding, path }: Found, { settings, search, live }: Workshop): Violation['minimal'] {
  if (path.length === 0) return 'proved'
  const isRecorded = search.graph.states.length === 0
  if (!isJourney(finding) || isRecorded) return 'raw'
  const wasWhole = search.lost.length === 0
  const allTried = [...live.rules.actions.values()].every(isEnumerable)
  if (wasWhole && allTried && search.frontier.depth >= path.length - 1) return 'proved'
  return settings.shrink === false ? 'raw' : 'shrunk'
}

/** Puts the path into the corpus and the journey into its folder, where the options name them. Returns the journey's file. */
function keep(
  name: string,
  journey: string,
  { settings }: Workshop,
  recorded: Parameters<Corpus['write']>[1],
): string | undefined {
  if (settings.corpus !== undefined) new Corpus(settings.corpus).write(name, recorded)
  const folder = settings.journey?.folder
  if (folder === undefined) return undefined
  const file = join(folder, `${name}.journey.test.ts`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(file, journey)
  return file
}
