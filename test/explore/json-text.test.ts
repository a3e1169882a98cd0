import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { jsonTextOf } from '../../src/explore/json-text.ts'
import { drop, ids, time } from '../../src/explore/index.ts'
import { differences } from '../../src/explore/why.ts'

describe('a text that holds JSON', () => {
  test('is written again as it stood, or is none', () => {
    fc.assert(
      fc.property(fc.json(), fc.json(), (a, b) => {
        for (const text of [a, `{"a":${a},"b":${b}}`, `{"a": ${a}, "b": ${b}}`, `[${a}, ${b}]`]) {
          const json = jsonTextOf(text)
          if (json) expect(json.write(json.value)).toBe(text)
        }
      }),
    )
  })

  test.each(['{"a":[1,"x",null]}', '{"a": [1, "x", null], "b": {}}', '[{"a":"\\u001f"}]', '{"__proto__":1}'])(
    '%s is one',
    (text) => expect(jsonTextOf(text)?.write(jsonTextOf(text)?.value)).toBe(text),
  )

  test.each([
    '{"a":1.0}',
    '{"a":12345678901234567890}',
    '{"a":1,"a":2}',
    '{"b":1,"1":2}',
    '{ "a":1}',
    '{1,2}',
    '{}',
    '"a"',
    3,
  ])('%s could not be written again, so it is a text', (text) => expect(jsonTextOf(text)).toBeUndefined())
})

describe.each([
  ['compact', (data: object) => JSON.stringify(data)],
  [
    'spaced',
    (data: object) =>
      JSON.stringify(data, null, 1)
        .replaceAll(/\n */g, ' ')
        .replaceAll(/(?<=[[{]) | (?=[\]}])/g, ''),
  ],
])('normalisers reach into %s JSON', (_, text) => {
  const row = (id: string, at: string, left = 1): unknown => ({
    db: { events: [{ id, data: text({ order: { id, at }, tags: ['a'], left }) }] },
  })
  const [a, b] = [row('x1', '2026-01-01T00:00:00.000Z'), row('y2', '2026-02-02T00:00:00.000Z')]

  test('drop', () => {
    const normalize = drop('db.events.*.id', 'db.events.*.data.order.*')
    expect(normalize(a)).toEqual({ db: { events: [{ data: text({ order: {}, tags: ['a'], left: 1 }) }] } })
    expect(normalize(b)).toEqual(normalize(a))
  })

  test('time and ids, also where they refer out of it', () => {
    const normalize = (data: unknown): unknown =>
      ids({ order: ['db.events.*.id', 'db.events.*.data.order.id'] })(time()(data))
    expect(normalize(a)).toEqual(row('order 1', 'time 0'))
    expect(normalize(b)).toEqual(normalize(a))
    expect(normalize(row('x1', '2026-01-01T00:00:00.000Z', 2))).not.toEqual(normalize(a))
  })

  test('what is in none of their places stays the very same', () => expect(drop('db.events.*.data.none')(a)).toBe(a))

  test('what differs is told by its place', () => {
    expect(differences(a, b).map(({ place }) => place)).toEqual([
      'db.events.0.id',
      'db.events.0.data.order.id',
      'db.events.0.data.order.at',
    ])
  })
})

test('the same JSON in two formats differs as it stands', () => {
  expect(differences({ a: '{"a":1}' }, { a: '{"a": 1}' })).toEqual([
    { place: 'a', before: '{"a":1}', after: '{"a": 1}' },
  ])
})
