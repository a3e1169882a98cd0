import { expect, test } from 'vitest'
import { needsJest30 } from '../../jest-preset/version.ts'
import { venomqa } from '../../vitest-plugin/plugin.ts'

// Who works with what we ask for is tested by every other file here. These have never run with us.

test.each(['3.2.7', '4.0.18'])('Vitest %s is refused with what to install', (version) => {
  const configure = venomqa().configureVitest as unknown as (context: object) => void
  expect(() => configure({ vitest: { version } })).toThrow(
    expect.objectContaining({
      code: 'UNSUPPORTED',
      message: expect.stringContaining(`4.1 or newer, and this is ${version}`),
    }),
  )
})

test('a Jest below 30 is refused with what to install', () => {
  const jest29 = { fn: () => {}, retryTimes: () => {} }
  expect(() => needsJest30(jest29)).toThrow(
    expect.objectContaining({ code: 'UNSUPPORTED', message: expect.stringContaining('npm install -D jest@30') }),
  )
  expect(() => needsJest30({ ...jest29, onGenerateMock: () => {} })).not.toThrow()
})
