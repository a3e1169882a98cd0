import type { WorldMark } from '../../world.ts'
import { holds } from '../fresh.ts'
import type { Law } from '../law.ts'

/** Laws of marks: each is good for as long as it holds, whatever its name. */
export const marks = {
  'a mark serves any number of branches': {
    async check(s, world) {
      await s.put('kept', 'old')
      const mark = await world.checkpoint('mark')
      for (const branch of ['first', 'second', 'third']) {
        await s.put('kept', branch)
        await s.put(branch, '1')
        await holds(s, { kept: branch, [branch]: '1' }, `The ${branch} branch sees what is not its own.`)
        await world.rollback(mark)
        await holds(s, { kept: 'old' }, `After the ${branch} rollback to the same mark the data is not what it was.`)
      }
    },
  },
  'hundreds of branches hold on one mark': {
    async check(s, world) {
      await s.put('kept', 'old')
      const mark = await world.checkpoint('mark')
      for (let branch = 1; branch <= 200; branch++) {
        await (branch % 2 ? s.put('kept', String(branch)) : s.remove('kept'))
        await world.rollback(mark)
        if (branch % 50 === 0) await holds(s, { kept: 'old' }, `After branch ${branch} the data is not what it was.`)
      }
    },
  },
  'an inner rollback keeps what the outer branch wrote': {
    async check(s, world) {
      const outer = await world.checkpoint('outer')
      await s.put('outer', '1')
      await s.put('both', 'outer')
      const inner = await world.checkpoint('inner')
      await s.put('inner', '1')
      await s.put('both', 'inner')
      await world.rollback(inner)
      await holds(s, { both: 'outer', outer: '1' }, 'After the inner rollback the outer branch is not what it was.')
      await s.remove('outer')
      await world.rollback(inner)
      await holds(
        s,
        { both: 'outer', outer: '1' },
        'After a second inner rollback the outer branch is not what it was.',
      )
      await world.rollback(outer)
      await holds(s, {}, 'After the outer rollback something of its branch is left.')
    },
  },
  'rolling back twice is rolling back once': {
    async check(s, world) {
      await s.put('kept', 'old')
      const mark = await world.checkpoint('mark')
      await s.put('kept', 'new')
      await world.rollback(mark)
      await world.rollback(mark)
      await holds(s, { kept: 'old' }, 'A second rollback in a row changed the data.')
    },
  },
  'a branch that writes nothing changes nothing': {
    async check(s, world) {
      await world.rollback(await world.checkpoint('empty'))
      await holds(s, {}, 'A rollback over nothing changed an empty store.')
      await s.put('kept', 'old')
      const mark = await world.checkpoint('mark')
      await world.rollback(mark)
      await world.rollback(await world.checkpoint('the same moment'))
      await holds(s, { kept: 'old' }, 'A rollback over nothing changed the data.')
    },
  },
  'releasing a mark keeps the state': {
    async check(s, world) {
      const outer = await world.checkpoint('outer')
      await s.put('kept', '1')
      const inner = await world.checkpoint('inner')
      await s.put('later', '1')
      await world.release(inner)
      await holds(s, { kept: '1', later: '1' }, 'Releasing a mark changed the data.')
      await s.put('kept', '2')
      const again = await world.checkpoint('inner')
      await s.remove('kept')
      await world.rollback(again)
      await holds(s, { kept: '2', later: '1' }, 'A mark made after a released one does not hold.')
      await world.rollback(outer)
      await holds(s, {}, 'What was written before a released mark outlives the rollback to an earlier one.')
    },
  },
  'marks survive hostile names': {
    async check(s, world) {
      const marks: WorldMark[] = []
      for (const [i, name] of NAMES.entries()) {
        marks.push(await world.checkpoint(name))
        await s.put('last', String(i))
      }
      for (const [i, mark] of [...marks.entries()].toReversed()) {
        await world.rollback(mark)
        const expected: Record<string, string> = i === 0 ? {} : { last: String(i - 1) }
        await holds(s, expected, `The mark called ${JSON.stringify(mark.name.slice(0, 80))} does not hold.`)
      }
    },
  },
  'marks made after the one gone back to stay': {
    needs: "system.kind 'tree'",
    async check(s, world) {
      const root = await world.checkpoint('root')
      await s.put('at', 'left')
      const left = await world.checkpoint('left')
      await world.rollback(root)
      await s.put('at', 'right')
      await s.put('only', 'right')
      const right = await world.checkpoint('right')
      await world.rollback(left)
      await holds(s, { at: 'left' }, 'A system of kind tree did not get to a mark of another branch.')
      await world.rollback(right)
      await holds(
        s,
        { at: 'right', only: 'right' },
        'A system of kind tree did not get back to the branch it came from.',
      )
      await world.rollback(root)
      await holds(s, {}, 'After visiting both branches the root is not what it was.')
    },
  },
} satisfies Record<string, Law>

const NAMES: readonly string[] = [
  'order created',
  'order created',
  'a-b',
  '',
  ' ',
  `it's "quoted" \`so\` [and] \\so\\`,
  "'; drop table kv; --",
  'two\nlines',
  '$1 :name ? %s {0}',
  'Ærø 東京 👩‍👩‍👧‍👦',
  'select',
  '../../etc/passwd',
  'x'.repeat(200),
  `${'same for 63 characters '.repeat(3)}one`,
  `${'same for 63 characters '.repeat(3)}two`,
  '__proto__',
]
