import fc from 'fast-check'
import { expect, test } from 'vitest'
import { describeServer } from '../../servers/server.ts'
import { postgresServers } from './each.ts'
import { differences, type Content } from './content.ts'
import { open } from './open.ts'
import type { Mark } from '../../../src/systems/postgres/index.ts'

// Random programs on a small schema in which much can go wrong. The model is the definition: what was at a mark is a copy.

const SCHEMA = `
  create table keyless (a int, b text); insert into keyless values (1, 'x'), (1, 'x'), (2, 'y');
  create table tree (id int primary key, parent int references tree on delete cascade on update cascade deferrable, at timestamptz default '2024-01-01');
  insert into tree (id, parent) values (1, null), (2, 1), (3, 2);
  create table item (id serial primary key, tree int references tree on delete set null on update cascade, n int unique deferrable, twice int generated always as (n * 2) stored);
  insert into item (tree, n) values (1, 1), (2, 2);
  create table part (id int, k int, primary key (id, k)) partition by range (k);
  create table part_low partition of part for values from (0) to (3); create table part_rest partition of part default;
  insert into part values (1, 1), (2, 5);
  create table audit (what text);
  create function audit() returns trigger language plpgsql as $$ begin insert into audit values (tg_op || ' ' || coalesce(new.n, old.n)); return null; end $$;
  create trigger audit after insert or update or delete on item for each row execute function audit();
`

const small = fc.integer({ min: 0, max: 4 })
const statement = fc.oneof(
  fc.tuple(small, small).map(([a, b]) => `insert into keyless values (${a}, 'b${b}')`),
  small.map((a) => `update keyless set b = b || 'u' where ctid = (select ctid from keyless where a = ${a} limit 1)`),
  small.map((a) => `delete from keyless where a = ${a}`),
  fc
    .tuple(small, small)
    .map(
      ([id, parent]) =>
        `insert into tree (id, parent) select ${id}, (select id from tree where id = ${parent}) on conflict (id) do update set at = now()`,
    ),
  fc
    .tuple(small, small)
    .map(
      ([id, to]) =>
        `update tree set id = ${to} + 5 where id = ${id} and not exists (select from tree where id = ${to} + 5)`,
    ),
  small.map((id) => `delete from tree where id = ${id}`),
  small.map(
    (n) =>
      `insert into item (tree, n) select (select max(id) from tree), ${n} where not exists (select from item where n = ${n})`,
  ),
  fc.constant('begin; set constraints all deferred; update item set n = 4 - n where n <= 4; commit'),
  small.map((n) => `delete from item where n = ${n}`),
  fc.tuple(small, small).map(([id, k]) => `insert into part values (${id}, ${k} * 2) on conflict (id, k) do nothing`),
  fc.tuple(small, small).map(([id, by]) => `update part set k = k + ${by} + 10 * id where id = ${id}`),
  fc.constantFrom(
    'truncate keyless',
    'truncate tree cascade',
    'truncate part',
    'truncate item restart identity',
    'truncate audit',
  ),
  small.map(
    (n) =>
      `begin; insert into keyless values (${n}, 'tx'); truncate keyless; insert into keyless values (${n}, 'tx2'); savepoint s; delete from keyless; rollback to s; commit`,
  ),
  small.map((n) => `select setval('item_id_seq', ${n + 1}, ${n % 2 === 0})`),
  fc.constantFrom(`set datestyle = 'SQL, DMY'`, `set datestyle = 'German'`, 'reset datestyle'),
  small.map(
    (n) =>
      `set session_replication_role = replica; delete from tree where id = ${n}; insert into keyless values (${n}, 'replica'); reset session_replication_role`,
  ),
)
type Step =
  | { readonly do: 'write'; readonly sql: string; readonly by: 0 | 1 }
  | { readonly do: 'checkpoint' }
  | { readonly do: 'rollback' | 'release'; readonly which: number }
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      sql: statement,
      by: fc.constantFrom(0 as const, 1 as const),
    }),
  },
  { weight: 3, arbitrary: fc.constant({ do: 'checkpoint' as const }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('rollback' as const), which: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const), which: fc.nat(9) }) },
)

for (const name of postgresServers) {
  describeServer(name, (server) => {
    test('goes back exactly under any program', { timeout: 86_400_000 }, async () => {
      await using opened = await open(server, SCHEMA)
      const { system, reader } = opened
      const applications = [await opened.connect(), await opened.connect()] as const
      const start = await system.checkpoint('start')
      const before = await reader.content()
      const program = fc.asyncProperty(fc.array(step, { maxLength: 16, size: 'max' }), async (steps) => {
        await system.rollback(start)
        const marks: { readonly mark: Mark; readonly copy: Content }[] = []
        for (const one of steps) {
          if (one.do === 'write') {
            // A statement that the store refuses is a statement like any other.
            await applications[one.by].query(one.sql).catch(() => applications[one.by].query('rollback'))
          } else if (one.do === 'checkpoint') {
            marks.push({ mark: await system.checkpoint('mark'), copy: await reader.content() })
          } else if (marks.length > 0) {
            const at = marks.length - 1 - (one.which % marks.length)
            if (one.do === 'release') {
              for (const { mark } of marks.splice(at).toReversed()) await system.release(mark)
              continue
            }
            await system.rollback(marks[at]!.mark)
            marks.length = at + 1
            expect(differences(marks[at]!.copy, await reader.content())).toEqual([])
          }
        }
        await system.rollback(start)
        expect(differences(before, await reader.content())).toEqual([])
      })
      await fc.assert(program, { numRuns: Number(process.env['VENOMQA_FUZZ_RUNS'] ?? 1000), endOnFailure: false })
    })
  })
}
