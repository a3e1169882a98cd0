import { VenomError } from '../../errors.ts'
import { absent, type Doc } from './base.ts'
import type { Pair } from './difference.ts'
import { type Http, part } from './http.ts'
import { Writer, type Written } from './write.ts'

// Taken at load, so that a runner's fake timers never stop us.
const { setTimeout } = globalThis
const clock = performance.now.bind(performance)
/** How long a server may take to forget what was deleted, in ms: it looks at a clock that it reads every 200. */
const PATIENCE = 5000
const PROBE = 'venomqa-forgotten'
const GC = 'index.gc_deletes'

/**
 * Makes documents what they were with the versions that they had. A version only grows while the server knows the
 * document or that it was deleted; so all are deleted, the server is told to forget deletions at once, and then takes
 * any version.
 */
export async function writeExactly(http: Http, index: string, pairs: readonly Pair[]): Promise<Written> {
  const { [index]: found } = await http.ask<Record<string, { settings: Record<string, string> }>>(
    'GET',
    `/${part(index)}/_settings?flat_settings=true`,
  )
  await put(http, index, '0s')
  try {
    const present = pairs.flatMap(({ after }) => (after ? [absent(after)] : []))
    const needed = pairs.map(({ before }) => before).filter(({ source }) => source !== undefined)
    // Where nothing comes back, one more document shows when the deletions are forgotten.
    const [first] = present
    const probe: Doc = { id: PROBE, routing: first?.routing ?? first?.id, source: '{}', version: 1 }
    const isProbed = needed.length === 0
    const writer = new Writer(http)
    if (isProbed) await writer.write(index, [probe])
    await writer.write(index, isProbed ? [...present, absent(probe)] : present)
    await writeWhenForgotten(http, index, isProbed ? [probe] : needed)
    // By its clock it takes a version before it has forgotten the other deletions; a refresh makes it forget all.
    await http.ask('POST', `/${part(index)}/_refresh`)
    if (isProbed) await writer.write(index, [absent(probe)])
    return { taken: present.length + needed.length + (isProbed ? 4 : 0), numbers: undefined }
  } finally {
    await put(http, index, found?.settings[GC] ?? null)
  }
}

/** Throws `UNSUPPORTED` for a version that JavaScript cannot tell from the next one. */
export function requireSafe(index: string, { before: { id, version = 0 } }: Pair): void {
  if (Number.isSafeInteger(version)) return
  throw new VenomError(
    'UNSUPPORTED',
    `elasticsearch: the document "${id}" in index "${index}" has a version above ${Number.MAX_SAFE_INTEGER}.\n` +
      'JavaScript cannot tell it from the next one, so it cannot be put back. Nothing was touched.\n' +
      "Use smaller versions in tests, or keep clones: elasticsearch(url, { way: 'copies', versions: 'exact', … }).",
  )
}

async function writeWhenForgotten(http: Http, index: string, docs: readonly Doc[]): Promise<void> {
  const deadline = clock() + PATIENCE
  let rest: readonly Doc[] = docs
  for (;;) {
    await http.ask('POST', `/${part(index)}/_refresh`)
    rest = await new Writer(http).writeUnlessKnown(index, rest)
    if (rest.length === 0) return
    if (clock() > deadline) throw notForgotten(index, rest[0]?.id ?? '')
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

async function put(http: Http, index: string, value: string | null): Promise<void> {
  await http.ask('PUT', `/${part(index)}/_settings`, { [GC]: value })
}

function notForgotten(index: string, id: string): VenomError {
  return new VenomError(
    'ROLLBACK_FAILED',
    `elasticsearch: the server did not forget within ${PATIENCE} ms that "${id}" was deleted from index "${index}".\n` +
      "versions: 'exact' waits for that, since an older version is refused before.\n" +
      "Is the server very busy? Keep clones instead: elasticsearch(url, { way: 'copies', versions: 'exact', … }).",
  )
}
