import assert from 'node:assert/strict'
import type { ElasticsearchOptions } from '../../../src/systems/elasticsearch/index.ts'
import { assertSame, contentsOf } from './contents.ts'
import type { Place } from './place.ts'

/** Takes a mark, runs a branch, goes back, and compares everything; twice, since a mark serves any number of branches. */
export async function comesBack(
  place: Place,
  branch: () => Promise<unknown>,
  options: Partial<ElasticsearchOptions<unknown>> = {},
): Promise<void> {
  const system = await place.open(options)
  const mark = await system.checkpoint('mark')
  const before = await contentsOf(place.wire, place.name, options.versions === 'exact')
  for (let times = 0; times < 2; times += 1) {
    await branch()
    await system.rollback(mark)
    assertSame(await contentsOf(place.wire, place.name, options.versions === 'exact'), before)
  }
  assert.deepEqual(await system.changes(mark), [])
  await system.close?.()
  assert.deepEqual(await place.leftovers(), [])
}
