import { test, trace } from './world'

const wait = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50))

test.concurrent('first of two', async () => {
  await wait()
  trace('first of two ran')
})
test.concurrent('second of two', async () => {
  await wait()
  trace('second of two ran')
})
test('after them', () => trace('after them ran'))
