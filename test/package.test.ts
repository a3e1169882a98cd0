import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

// A user's project: the packed package, Vitest and Jest from the registry, nothing of this repository around it.
const root = fileURLToPath(new URL('..', import.meta.url))
const project = mkdtempSync(join(tmpdir(), 'venomqa-package-'))
const installed = join(project, 'node_modules/venomqa')
const tsc = join(root, 'node_modules/typescript/bin/tsc')
const { exports, typesVersions, devDependencies, version } = JSON.parse(
  readFileSync(join(root, 'package.json'), 'utf8'),
)

beforeAll(() => {
  write('package.json', JSON.stringify({ name: 'a-users-project', private: true, type: 'module' }))
  const runners = ['vitest', 'jest', '@jest/globals'].map((name) => `${name}@${devDependencies[name]}`)
  const older = ['ts-jest@29', 'typescript@5', 'fast-check@3'] // as many projects have them
  run('npm', 'install', '--prefer-offline', '--loglevel=error', tarball(), ...runners, ...older)
}, 180_000)

afterAll(() => rmSync(project, { recursive: true, force: true }))

test('every entry of exports leads to files of the package', () => {
  const targets = [...JSON.stringify(exports).matchAll(/"(\.\/[^"]+\.\w+)"[,}]/g)].map(([, target]) => target ?? '')
  expect(targets).toContain('./dist/esm/src/index.js')
  expect(targets.filter((target) => !existsSync(join(installed, target)))).toEqual([])
})

test('every entry is typed also where moduleResolution is that of Node 10', () => {
  const entries = Object.keys(exports).filter((entry) => exports[entry].types ?? exports[entry].require?.types)
  expect(['.', ...Object.keys(typesVersions['*']).map((name) => `./${name}`)]).toEqual(entries)
  const targets = Object.values<string[]>(typesVersions['*']).flat()
  expect(targets.filter((target) => !existsSync(join(installed, target)))).toEqual([])
})

test('every link of README.md and docs/ leads to something that is in the package', () => {
  const pages = ['README.md', ...globSync('docs/**/*.md', { cwd: installed })]
  const dead = pages.flatMap((page) =>
    [...readFileSync(join(installed, page), 'utf8').matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)]
      .filter(([, to = '']) => !existsSync(join(installed, dirname(page), to)))
      .map(([, to]) => `${page}: ${to}`),
  )
  expect(pages).toContain('docs/systems/sqlite.md')
  expect(dead).toEqual([])
})

test('every system has its entry', () => {
  const systems = readdirSync(join(root, 'src/systems')).filter((name) =>
    existsSync(join(root, 'src/systems', name, 'index.ts')),
  )
  expect(Object.keys(exports)).toEqual(expect.arrayContaining(systems.map((name) => `./${name}`)))
})

test('npx venomqa says what it can do', () => {
  expect(run('npx', 'venomqa', '--help')).toMatch(/Usage: venomqa[^]*doctor[^]*mark/)
  expect(run('npx', 'venomqa', '--version').trim()).toBe(version)
})

test.each([
  ['ESM', 'app.mjs', `import { World } from 'venomqa'; import { memory } from 'venomqa/memory'`],
  ['CommonJS', 'app.cjs', `const { World } = require('venomqa'); const { memory } = require('venomqa/memory')`],
])('a script in %s opens a world and rolls it back', (_, file, imports) => {
  write(
    file,
    `${imports}
    async function main() {
      const cart = new Map([['apple', 1]])
      const world = await World.open({ systems: { cart: memory(cart) } })
      const filled = await world.checkpoint('filled')
      cart.set('pear', 2)
      await world.rollback(filled)
      console.log([...cart].join())
      await world.close()
    }
    main()`,
  )
  expect(run('node', file)).toBe('apple,1\n')
})

test.each([
  ['import', 'loads.mjs', `import 'venomqa'`],
  ['require', 'loads.cjs', `require('venomqa')`],
])('%s of venomqa loads no driver, no runner and no fast-check', (_, file, load) => {
  write(
    'watch.mjs',
    `import { registerHooks } from 'node:module'
    registerHooks({ resolve: (name, context, next) => { if (!/^(node:|[./]|file:)/.test(name)) console.log(name); return next(name, context) } })`,
  )
  write(file, load)
  expect(run('node', '--import', './watch.mjs', file)).toBe('venomqa\n')
})

test.each([
  ['ESM', 'reads.mjs', `import { loadConfig } from 'venomqa/config'`],
  ['CommonJS', 'reads.cjs', `const { loadConfig } = require('venomqa/config')`],
])('a configuration is read in %s', (_, file, load) => {
  write('config/venomqa.config.yaml', 'baseUrl: http://localhost')
  write(`config/${file}`, `${load}; loadConfig().then(({ baseUrl }) => console.log(baseUrl))`)
  expect(runIn(join(project, 'config'), 'node', file)).toBe('http://localhost\n')
})

test('fast-check 3 runs with rollback, and gives parameters to an exploration', () => {
  write(
    'commands.mjs',
    `import * as fc from 'fast-check'
    import { World } from 'venomqa'
    import { withRollback } from 'venomqa/fast-check'
    import { memory } from 'venomqa/memory'
    const list = new Map([['count', 0]])
    const add = (by) => ({ check: () => true, run: async () => {
      list.set('count', list.get('count') + by)
      if (list.get('count') > 5) throw new Error('more than five')
    } })
    await using world = await World.open({ systems: { list: memory(list) } })
    await using rolledBack = withRollback(world)
    const commands = rolledBack.commands([fc.integer({ min: 1, max: 3 }).map(add)])
    const set = () => ({ model: {}, real: undefined })
    const result = await fc.check(
      fc.asyncProperty(commands, (all) => rolledBack.asyncModelRun(set, all)), { numRuns: 100, seed: 1 },
    )
    await world.rollback(world.start)
    const put = { params: { by: fc.integer({ min: 1, max: 3 }) }, run: (_, { by }) => void list.set('count', list.get('count') + by) }
    const { verdict } = await world.explore(
      { actions: { put }, invariants: { 'five at most': () => list.get('count') <= 5 } }, { seed: 1 },
    )
    console.log(result.failed, verdict)`,
  )
  expect(run('node', 'commands.mjs')).toBe('true violated\n')
})

test('a journey is typed, and runs in Vitest', () => {
  write(
    'vitest.config.ts',
    `import { defineConfig } from 'vitest/config'
    import { venomqa } from 'venomqa/vitest-plugin'
    export default defineConfig({ plugins: [venomqa()] })`,
  )
  write(
    'test/cart.test.ts',
    `import { expect } from 'vitest'
    import { defineWorld } from 'venomqa/vitest'
    import { memory } from 'venomqa/memory'
    const { journey, step, checkpoint, branch } = defineWorld({ systems: { cart: memory(new Map<string, number>()) } })
    journey('cart', () => {
      step('fill', ({ cart }) => {
        cart.set('apple', 1)
        // @ts-expect-error -- prices are numbers
        if (cart.size > 1) cart.set('apple', 'dear')
      })
      checkpoint('filled')
      branch('add', () => step('a pear', ({ cart }) => expect([...cart.set('pear', 2).keys()]).toEqual(['apple', 'pear'])))
      branch('empty', () => step('take the apple', ({ cart }) => expect([cart.delete('apple'), cart.size]).toEqual([true, 0])))
    })`,
  )
  expect(run('node', tsc, '--noEmit', '--strict', '--module', 'nodenext', '--skipLibCheck', 'test/cart.test.ts')).toBe(
    '',
  )
  expect(run('npx', 'vitest', 'run', '--no-color')).toMatch(/◆ filled[^]*Tests {2}2 passed/)
})

const world = `{
  systems: { cart: memory(new Map<string, number>()), db: sqlite('shop_test.db'), orders: postgres('postgres:///shop_test') },
  api: ({ url }) => ({ get: async (path: string) => url('db') + path }),
  context: () => ({ coupons: [] as string[] }),
}`
const words = `
  export const { journey, step, checkpoint, branch, test, useRollback, explore, action, invariant, from } = defineWorld(${world})
  export const signUp = () => step('sign up', () => ({ id: 1 }))
  export const pages = step.each(['/', '/cart'])
  export const onlyOnCi = [journey, branch, step, explore].map((word) => word.skipIf(true))
  export const seen = useRollback()
  export const buy = action({ params: { many: from(() => [1]) }, run: () => {} })
  export const configured = defineWorld()`
const opened = `
  export const world = await World.open(${world})
  export const mark = await world.checkpoint('empty')
  export const told = [world.changes(mark), world.observe(), world.explore({ actions: {} }), world.why({}, {})] as const`

// Each in a program of its own, where no other entry lends it names.
test.each([
  ['venomqa/vitest', 'defineWorld', words],
  ['venomqa/jest', 'defineWorld', words],
  ['venomqa', 'World', opened],
])('what a file exports of its world has declarations: %s', (entry, name, code) => {
  const file = `declared-${entry.replace('/', '-')}`
  const systems = ['memory', 'sqlite', 'postgres'].map((name) => `import { ${name} } from 'venomqa/${name}'`)
  write(`${file}.ts`, [`import { ${name} } from '${entry}'`, ...systems, code].join('\n'))
  const options = ['--declaration', '--emitDeclarationOnly', '--strict', '--module', 'nodenext', '--skipLibCheck']
  expect(run('node', tsc, ...options, `${file}.ts`)).toBe('')
})

test.each([
  [
    'CommonJS',
    'cart.js',
    { type: 'commonjs', jest: { preset: 'venomqa' } },
    `const { defineWorld } = require('venomqa/jest'); const { memory } = require('venomqa/memory')`,
  ],
  [
    'TypeScript by ts-jest, which checks the types',
    'cart.ts',
    { type: 'commonjs', jest: { preset: 'venomqa', transform: { '\\.ts$': 'ts-jest' } } },
    `import { defineWorld } from 'venomqa/jest'; import { memory } from 'venomqa/memory'`,
  ],
  [
    'ES modules',
    'cart.ts',
    { type: 'module', jest: { preset: 'venomqa', transform: {}, extensionsToTreatAsEsm: ['.ts'] } },
    `import { defineWorld } from 'venomqa/jest'; import { memory } from 'venomqa/memory'; const typed: string = 'stripped'`,
  ],
])('a journey and an exploration run in Jest: %s', (_, file, manifest, imports) => {
  const folder = `jest-${file}-${manifest.type}`
  write(`${folder}/package.json`, JSON.stringify(manifest))
  write(`${folder}/tsconfig.json`, '{ "compilerOptions": { "target": "es2022", "module": "commonjs" } }')
  write(
    `${folder}/__tests__/${file}`,
    `${imports}
    const cart = new Map([['apple', 1]])
    const { journey, step, checkpoint, branch, explore, action } = defineWorld({ systems: { cart: memory(cart) } })
    journey('cart', () => {
      step('fill', ({ cart }) => void cart.set('pear', 2))
      checkpoint('filled')
      branch('add', () => void step('a plum', ({ cart, expect }) => expect([...cart.set('plum', 3).keys()]).toHaveLength(3)))
      branch('empty', () => void step('take', ({ cart, expect }) => expect([cart.delete('pear'), cart.size]).toEqual([true, 1])))
    })
    explore('apples', {
      actions: { buy: action({ when: () => cart.get('apple') < 3, run: () => void cart.set('apple', cart.get('apple') + 1) }) },
      invariants: { 'never more than three': () => cart.get('apple') <= 3 },
    })`,
  )
  const node = manifest.type === 'module' ? 'node --experimental-vm-modules' : 'node'
  expect(runIn(join(project, folder), 'sh', '-c', `${node} ../node_modules/jest/bin/jest.js 2>&1`)).toMatch(
    /◆ filled[^]*Tests: {7}3 passed/,
  )
})

function tarball(): string {
  const packed = process.env['VENOMQA_TARBALL'] // of `npm test`
  if (packed !== undefined) return packed
  runIn(root, 'node', 'scripts/build.ts')
  return runIn(root, 'node', 'scripts/pack.ts').trim()
}

function write(file: string, text: string): void {
  mkdirSync(dirname(join(project, file)), { recursive: true })
  writeFileSync(join(project, file), text)
}

function run(command: string, ...args: string[]): string {
  return runIn(project, command, ...args)
}

function runIn(cwd: string, command: string, ...args: string[]): string {
  const { VITEST: _, VITEST_MODE: __, NODE_ENV: ___, ...env } = process.env
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${[command, ...args].join(' ')} failed:\n${stdout}${stderr}`)
  return stdout
}
