import { afterEach, beforeEach } from 'vitest'
import { branch, checkpoint, did, journey, step, store, trace } from './world'

beforeEach(() => {
  trace(`hook finds ${[...store.keys()].join(' ')}`)
  store.set('hook', 'wrote')
})
afterEach(() => {
  trace(`after hook finds ${[...store.keys()].join(' ')}`)
  store.set('after', 'wrote')
})

/** As `did`, but the hook writes to the system alone. */
const does = (what: string) => (world: { db: Map<string, string> }) =>
  did(what)({ db: world.db, ctx: { log: [...world.db.keys()] } })

journey('a hook writes', () => {
  step('one', does('one'))
  checkpoint('here')
  branch('left', () => void step('left', does('left')))
  branch('right', () => void step('right', does('right')))
  step('end', does('end'))
})

journey('single', () => {
  step('one', does('single'))
})
