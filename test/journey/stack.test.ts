import { connect } from 'node:net'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { at, hideOwnFrames, isOwnFile, placeIn, pointTo } from '../../src/stack.ts'

const root = new URL('../..', import.meta.url).pathname
const own = `    at Walk.run (${root}src/journey/walk.ts:1:2)`
const ownUrl = `    at async file://${root}vitest-plugin/paths.ts:3:4`
const users = '    at /home/me/shop/test/cart.test.ts:5:6'
const inParentheses = '    at new Cart (/home/me/shop (copy)/cart.ts:7:8)'
const nodes = '    at process.processTicksAndRejections (node:internal/process/task_queues:104:5)'
const drivers = '    at Socket.<anonymous> (/home/me/shop/node_modules/pg/lib/client.js:9:10)'

function withStack(message: string, ...frames: string[]): Error {
  const error = new Error(message)
  error.stack = [`Error: ${message}`, ...frames].join('\n')
  return error
}

test('the frames of this package are hidden, and no others', () => {
  const error = withStack('two\nlines', own, users, ownUrl, inParentheses, nodes, drivers)
  expect(hideOwnFrames(error).stack).toBe(['Error: two\nlines', users, inParentheses, nodes, drivers].join('\n'))
})

test('also in causes, in collected errors, and where these go round in circles', () => {
  const cause = withStack('cause', own, users)
  const one = withStack('one', ownUrl, users)
  const error = Object.assign(new AggregateError([one], 'all'), { cause })
  Object.assign(cause, { cause: error })
  hideOwnFrames(error)
  expect(cause.stack).toBe(['Error: cause', users].join('\n'))
  expect(one.stack).toBe(['Error: one', users].join('\n'))
})

test('an error of another realm loses the frames as well', () => {
  const error = runInNewContext('new Error("elsewhere")') as Error
  error.stack = ['Error: elsewhere', own, users].join('\n')
  expect(hideOwnFrames(error).stack).toBe(['Error: elsewhere', users].join('\n'))
})

test.each([undefined, null, 'text', 3, { stack: 5 }, Object.freeze(withStack('frozen', own))])(
  'whatever is thrown comes back: %s',
  (thrown) => {
    expect(hideOwnFrames(thrown)).toBe(thrown)
  },
)

test('a stack without a place of the user gets the place of the step', () => {
  const site = withStack('site', own, users)
  expect(pointTo(site, withStack('refused', own, nodes, drivers)).stack).toBe(
    ['Error: refused', nodes, drivers, users].join('\n'),
  )
  const pointed = withStack('thrown by the user', inParentheses)
  expect(pointTo(site, pointed).stack).toBe(['Error: thrown by the user', inParentheses].join('\n'))
})

test('a refused connection is such a stack', async () => {
  const site = withStack('site', users)
  const refused = await new Promise<Error>((resolve) => connect(1, '127.0.0.1').on('error', resolve))
  expect(pointTo(site, refused).stack).toContain(users)
})

test('at() makes an error look as if it was thrown by the user', () => {
  const error = at(withStack('site', own, users, drivers), new TypeError('no'))
  expect(error.stack).toBe(['TypeError: no', users].join('\n'))
})

test('the place in a file is that of its first frame', () => {
  const site = withStack('site', own, users, inParentheses)
  expect(placeIn('/home/me/shop/test/cart.test.ts', site)).toEqual({ line: 5, column: 6 })
  expect(placeIn('/home/me/shop (copy)/cart.ts', site)).toEqual({ line: 7, column: 8 })
  expect(placeIn('/home/me/other.ts', site)).toBeUndefined()
})

test('own files are those of this package', () => {
  expect(isOwnFile(`${root}src/world.ts`)).toBe(true)
  expect(isOwnFile(`${root}test/world.test.ts`)).toBe(false)
})
