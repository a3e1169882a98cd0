import type { Action, Model } from '../../src/explore/index.ts'
import type { Store } from './shop.ts'

/** A lock with `keys` keys that must be turned in their order, beside dials that have nothing to do with it. */
export async function lock(
  { put, all }: Store,
  keys: number,
  wrong: 'resets' | 'ignored',
  dials = 0,
): Promise<Model<object>> {
  await put('lock', '0')
  for (let dial = 0; dial < dials; dial++) await put(`dial ${dial}`, '0')
  const actions: Record<string, Action<object>> = {}
  for (let key = 0; key < keys; key++) {
    actions[`key ${key}`] = {
      run: async () => {
        const at = Number((await all())['lock'])
        if (at === key) await put('lock', String(at + 1))
        else if (wrong === 'resets') await put('lock', '0')
      },
    }
  }
  for (let dial = 0; dial < dials; dial++) {
    actions[`dial ${dial}`] = {
      run: async () => put(`dial ${dial}`, String((Number((await all())[`dial ${dial}`]) + 1) % 4)),
    }
  }
  return { actions, invariants: { 'the lock is shut': async () => (await all())['lock'] !== String(keys) } }
}
