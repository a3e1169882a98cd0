import { ownSettings, type Shape } from './catalog.ts'
import { type Http, part } from './http.ts'
import { KINDS, removeObject, writeObject } from './objects.ts'
import { differingSettings } from './plan.ts'
import { same } from './same.ts'
import type { Scope } from './scope.ts'

/** What would refuse what is written back, or change it. */
const IN_THE_WAY = [
  'index.blocks.write',
  'index.blocks.read',
  'index.blocks.metadata',
  'index.blocks.read_only',
  'index.blocks.read_only_allow_delete',
  'index.final_pipeline',
]

/** Takes away what is in the way of a rollback in some indices, and answers with how to put it back, if anything was. */
export async function lift(
  http: Http,
  shape: Shape,
  names: Iterable<string>,
): Promise<(() => Promise<void>) | undefined> {
  const lifted: (readonly [name: string, settings: object])[] = []
  for (const name of new Set(names)) {
    const { settings = {} } = shape.indices.get(name) ?? {}
    const set = IN_THE_WAY.filter((key) => settings[key] !== undefined && settings[key] !== 'false')
    if (set.length === 0) continue
    lifted.push([name, Object.fromEntries(set.map((key) => [key, settings[key]]))])
    await putSettings(http, name, Object.fromEntries(set.map((key) => [key, null])))
  }
  if (lifted.length === 0) return undefined
  return async () => {
    for (const [name, settings] of lifted) await putSettings(http, name, settings)
  }
}

/** Ends the blocks by which indices hide their own settings: with one of them nothing of any index can be read. */
export async function unhide(http: Http, scope: Scope): Promise<void> {
  const { blocks } = await http.ask<{ blocks?: { indices?: Record<string, object> } }>('GET', '/_cluster/state/blocks')
  for (const [name, ids] of Object.entries(blocks?.indices ?? {})) {
    if (scope.holds(name) && HIDING in ids) await putSettings(http, name, { 'index.blocks.metadata': null })
  }
}

/** The number of the block `index.blocks.metadata`. */
const HIDING = '9'

/** Settings, aliases, templates, pipelines, policies and scripts become what they were. */
export async function putBackShape(http: Http, then: Shape, now: Shape): Promise<void> {
  await writeObjects(http, then, now)
  await putBackAliases(http, then, now)
  for (const [name, index] of then.indices) {
    const present = now.indices.get(name)
    const [before, keys] = [ownSettings(index), present ? differingSettings(index, present) : []]
    if (keys.length > 0)
      await putSettings(http, name, Object.fromEntries(keys.map((key) => [key, before[key] ?? null])))
  }
  // A pipeline that an index names cannot be removed.
  await removeObjects(http, then, now)
}

async function putBackAliases(http: Http, then: Shape, now: Shape): Promise<void> {
  const actions: object[] = []
  for (const [index, { aliases }] of then.indices) {
    const present = now.indices.get(index)?.aliases ?? {}
    for (const [alias, definition] of Object.entries(present)) {
      if (!same(aliases[alias], definition)) actions.push({ remove: { index, alias } })
    }
    for (const [alias, definition] of Object.entries(aliases)) {
      if (!same(definition, present[alias])) actions.push({ add: { index, alias, ...definition } })
    }
  }
  // All at once: an alias is never without its index.
  if (actions.length > 0) await http.ask('POST', '/_aliases', { actions })
}

async function writeObjects(http: Http, then: Shape, now: Shape): Promise<void> {
  for (const [at, kind] of KINDS.entries()) {
    for (const [name, definition] of then.objects[at] ?? []) {
      if (!same(definition, now.objects[at]?.get(name))) await writeObject(http, kind, name, definition)
    }
  }
}

async function removeObjects(http: Http, then: Shape, now: Shape): Promise<void> {
  for (const [at, kind] of [...KINDS.entries()].toReversed()) {
    for (const name of now.objects[at]?.keys() ?? []) {
      if (!then.objects[at]?.has(name)) await removeObject(http, kind, name)
    }
  }
}

async function putSettings(http: Http, name: string, settings: object): Promise<void> {
  await http.ask('PUT', `/${part(name)}/_settings`, settings)
}
