import { holds, openWorld, putAll } from '../fresh.ts'
import { type Law, needing } from '../law.ts'

/** Laws of the data: all of it comes back, exactly, and nothing else is touched. */
export const data = {
  'undoes an insert, an update and a delete': {
    async check(s, world) {
      await s.put('kept', 'old')
      await s.put('gone', 'old')
      const mark = await world.checkpoint('mark')
      await s.put('new', '1')
      await s.put('kept', 'changed')
      await s.remove('gone')
      await holds(s, { kept: 'changed', new: '1' }, 'The branch must see what it wrote.')
      await world.rollback(mark)
      await holds(s, { gone: 'old', kept: 'old' }, 'After the rollback the data is not what it was at the mark.')
    },
  },
  'rolls back a thousand rows and a megabyte value': {
    async check(s, world) {
      const entries = (value: string): Record<string, string> =>
        Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`row ${i}`, value]))
      const before = { ...entries('old'), long: 'x'.repeat(1_000_000) }
      await putAll(s, before)
      const mark = await world.checkpoint('mark')
      await putAll(s, { ...entries('new'), another: 'y'.repeat(1_000_000), long: 'short' })
      for (let i = 0; i < 100; i++) await s.remove(`row ${i}`)
      await world.rollback(mark)
      await holds(s, before, 'After the rollback these entries are not what they were.')
    },
  },
  'keeps values exactly: empty, unicode, very long': {
    async check(s, world) {
      const before = { ...VALUES }
      await putAll(s, before)
      await holds(s, before, 'The subject itself does not keep these values: mend put() and all().')
      const mark = await world.checkpoint('mark')
      for (const key of Object.keys(before)) await s.put(key, 'overwritten')
      await world.rollback(mark)
      await holds(s, before, 'These updated values did not come back exactly.')
      for (const key of Object.keys(before)) await s.remove(key)
      await world.rollback(mark)
      await holds(s, before, 'These deleted values did not come back exactly.')
    },
  },
  'two runs side by side do not see each other': {
    async check(s, world, { open }) {
      const second = await open()
      try {
        const other = await openWorld(second)
        try {
          await s.put('first', '1')
          const [mark, otherMark] = [await world.checkpoint('mark'), await other.checkpoint('mark')]
          await second.put('second', '1')
          await s.put('first', '2')
          await holds(second, { second: '1' }, 'The second run sees what the first one wrote.')
          await world.rollback(mark)
          await holds(s, { first: '1' }, 'The first run is not back at its mark.')
          await holds(second, { second: '1' }, 'A rollback of the first run changed the second one.')
          await other.rollback(otherMark)
          await holds(second, {}, 'The second run is not back at its mark.')
          await holds(s, { first: '1' }, 'A rollback of the second run changed the first one.')
        } finally {
          await other.close()
        }
        await holds(s, { first: '1' }, 'Closing the second run changed the first one.')
      } finally {
        await second.dispose?.()
      }
    },
  },
  'leaves nothing behind': needing('leftovers', async (s, world) => {
    await world.checkpoint('never gone back to')
    await s.put('kept', '1')
    const mark = await world.checkpoint('mark')
    await s.put('kept', '2')
    await world.rollback(mark)
    await world.release(mark)
    await s.put('after', '3')
    // What is left is looked for after close, at the end of every law.
  }),
} satisfies Record<string, Law>

const VALUES: Readonly<Record<string, string>> = {
  empty: '',
  space: ' ',
  blanks: '  both ends  ',
  lines: 'one\ntwo\r\nthree\ttabbed',
  quotes: `it's "quoted" \`so\` and \\escaped\\`,
  statement: "'); drop table kv; --",
  number: '007',
  word: 'null',
  json: '{"a":[1,null,"x"]}',
  unicode: 'Ærø, 東京, שלום, e\u0301, \u00e9',
  emoji: '👩‍👩‍👧‍👦 🏴󠁧󠁢󠁥󠁮󠁧󠁿',
  controls: '\u0001\u001b\u007f\u2028\ufeff',
  long: 'long '.repeat(20_000),
}
