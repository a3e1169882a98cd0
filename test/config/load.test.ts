import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { type Config, loadConfig, type Settings } from '../../src/config/index.ts'
import { Folder } from './folder.ts'

const URL = 'postgres://qa:secret@localhost:5432/qa_test'

/** Reads a configuration of JSON in a folder of its own. */
async function load(config: Config | object | undefined, env: Record<string, string> = {}): Promise<Settings> {
  using folder = new Folder(config === undefined ? {} : { 'venomqa.config.json': config })
  return await loadConfig({ cwd: folder.path, env })
}

async function refused(config: object | undefined, env: Record<string, string> = {}): Promise<string> {
  const error: unknown = await load(config, env).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'BAD_CONFIG' })
  const { message } = error as Error
  expect(message.split('\n')).toHaveLength(3)
  return message
}

describe('the file', () => {
  test.each([
    ['venomqa.config.ts', `export default { baseUrl: 'http://ts' as string }`],
    ['venomqa.config.mts', `export default { baseUrl: 'http://mts' as string }`],
    ['venomqa.config.js', `module.exports = { baseUrl: 'http://js' }`],
    ['venomqa.config.mjs', `export default { baseUrl: 'http://mjs' }`],
    ['venomqa.config.cjs', `exports.baseUrl = 'http://cjs'`],
    ['venomqa.config.json', `{ "baseUrl": "http://json" }`],
    ['venomqa.config.yaml', `baseUrl: "http://yaml"`],
    ['venomqa.config.yml', `baseUrl: http://yml # a comment`],
  ])('%s', async (name, content) => {
    using folder = new Folder({ [name]: content })
    const { baseUrl, file } = await loadConfig({ cwd: folder.path, env: {} })
    expect([baseUrl, file]).toEqual([`http://${name.split('.')[2]}`, join(folder.path, name)])
  })

  test('of code may be an async function', async () => {
    using folder = new Folder({ 'venomqa.config.mjs': `export default async () => ({ timeout: await 5 })` })
    expect(await loadConfig({ cwd: folder.path, env: {} })).toMatchObject({ timeout: 5000 })
  })

  test('is the nearest above where the process runs, and the first in the order of the docs', async () => {
    using folder = new Folder({
      'venomqa.config.yaml': 'baseUrl: http://above',
      'packages/shop/venomqa.config.mjs': `export default { baseUrl: 'http://first' }`,
      'packages/shop/venomqa.config.json': { baseUrl: 'http://second' },
      'packages/shop/test/a.test.ts': '',
      'packages/other/a.ts': '',
    })
    const at = async (...path: string[]): Promise<string | undefined> =>
      (await loadConfig({ cwd: join(folder.path, ...path), env: {} })).baseUrl
    expect(await at('packages', 'shop', 'test')).toBe('http://first')
    expect(await at('packages', 'other')).toBe('http://above')
    folder.write('packages/other/venomqa.config.yaml', '')
    expect(await at('packages', 'other')).toBeUndefined()
    const from = join(folder.path, 'packages/shop/test')
    const env = { VENOMQA_CONFIG: 'venomqa.config.yaml' }
    expect(await loadConfig({ cwd: folder.path, from, env: {} })).toMatchObject({ baseUrl: 'http://first' })
    expect(await loadConfig({ cwd: folder.path, from, env })).toMatchObject({ baseUrl: 'http://above' })
  })

  test('is the one that VENOMQA_CONFIG names, and must then be there', async () => {
    using folder = new Folder({
      'venomqa.config.json': { baseUrl: 'http://found' },
      'ci/settings.yaml': 'baseUrl: http://named',
    })
    const env = { VENOMQA_CONFIG: 'ci/settings.yaml' }
    expect(await loadConfig({ cwd: folder.path, env })).toMatchObject({ baseUrl: 'http://named' })
    for (const name of ['ci/missing.yaml', 'ci/settings.toml']) {
      await expect(loadConfig({ cwd: folder.path, env: { VENOMQA_CONFIG: name } })).rejects.toMatchObject({
        code: 'BAD_CONFIG',
        message: expect.stringMatching(/^VENOMQA_CONFIG names .*, and there is no such file/),
      })
    }
  })

  test('may be missing or empty', async () => {
    expect(await load(undefined)).toMatchObject({ systems: {}, parallelPaths: 1, verbose: false })
    using folder = new Folder({ 'venomqa.config.yaml': '# nothing yet\nbaseUrl:\n' })
    expect(await loadConfig({ cwd: folder.path, env: {} })).toMatchObject({ systems: {} })
    folder.write('venomqa.config.yaml', '')
    expect(await loadConfig({ cwd: folder.path, env: {} })).toMatchObject({ systems: {} })
  })

  test.each([
    ['venomqa.config.json', `{ "dbUrl": "${URL}", }`],
    ['venomqa.config.json', `{ "dbUrl": ${URL} }`],
    ['venomqa.config.json', 'secret: 1'],
    ['venomqa.config.yaml', `dbUrl: "${URL}\n`],
    ['venomqa.config.ts', `export default { dbUrl: '${URL}'`],
  ])('%s that cannot be read is named, and what stands in it is not shown', async (name, content) => {
    using folder = new Folder({ [name]: content })
    const error = await loadConfig({ cwd: folder.path, env: {} }).catch((thrown: unknown) => thrown as Error)
    expect(error).toMatchObject({ code: 'BAD_CONFIG' })
    expect((error as Error).message).toMatch(new RegExp(`^${folder.path}/${name} could not be (read|loaded): .`))
    expect((error as Error).message).not.toContain('secret')
  })

  test('that throws or awaits at its top level is named, with what to do', async () => {
    using folder = new Folder({ 'venomqa.config.mjs': `throw new Error('no vault at https://me:secret@vault')` })
    await expect(loadConfig({ cwd: folder.path, env: {} })).rejects.toMatchObject({
      message: expect.stringMatching(/venomqa.config.mjs could not be loaded: no vault at https:\/\/me:\*\*\*@vault\n/),
      cause: { message: expect.stringContaining('no vault') },
    })
    using other = new Folder({ 'venomqa.config.mjs': `await 1; export default {}` })
    await expect(loadConfig({ cwd: other.path, env: {} })).rejects.toThrow('export an async function instead')
  })
})

describe('names', () => {
  test('that are not known are refused, with the one that was meant', async () => {
    expect(await refused({ basUrl: 'http://x' })).toMatch(
      /config\.json has no "basUrl"\.\n.*\nDid you mean baseUrl\? Known: /,
    )
    expect(await refused({ db_url: URL })).toContain('Did you mean dbUrl?')
    expect(await refused({ parallel_paths: 2 })).toContain('Did you mean parallelPaths?')
    expect(await refused({ colour: 'red' })).toMatch(/has no "colour"\.\n.*\nThese are known: baseUrl, dbUrl, /)
    expect(await refused({ systems: { db: { uri: URL } } })).toMatch(
      /^systems\.db has no "uri"\.\n.*\nDid you mean url\?/,
    )
  })

  test('of what belongs to the runner say so', async () => {
    expect(await refused({ fail_fast: true })).toContain('vitest run --bail=1, jest --bail')
    expect(await refused({ report_formats: ['junit'] })).toContain('--reporter=junit')
    expect(await refused({ docker_compose_file: 'x' })).toContain('docker compose up')
    expect(await refused({ log_lines: 50 })).toContain("defineWorld({ logs: 'app.log' })")
  })

  test.each([
    ['VENOMQA_DB_ULR', 'VENOMQA_DB_URL'],
    ['VENOMQA_PARALEL_PATHS', 'VENOMQA_PARALLEL_PATHS'],
    ['VENOMQA_VERBOS', 'VENOMQA_VERBOSE'],
    ['VENOMQA_CACHE_URI', 'VENOMQA_CACHE_URL'],
  ])('of variables that are nearly ours are refused: %s', async (wrong, right) => {
    expect(await refused({ systems: { cache: 'redis://localhost' } }, { [wrong]: '1' })).toMatch(
      new RegExp(`^The environment has ${wrong}, which means nothing\\.\n.*\nDid you mean ${right}\\?`),
    )
  })

  test('of other variables are let be', async () => {
    const env = { VENOMQA_SEED: '1', VENOMQA_TEST_POSTGRES_URL: URL, VENOMQA_OF_MY_OWN: '1', DB_ULR: '1' }
    expect(await load({}, env)).toMatchObject({ systems: {} })
  })
})

describe('an environment variable wins over the file, and the file over the default', () => {
  const file = {
    baseUrl: 'http://file',
    dbUrl: 'postgres://file',
    dbBackend: 'postgres',
    timeout: 30,
    parallelPaths: 2,
    verbose: false,
  }
  const env = {
    VENOMQA_BASE_URL: 'http://env',
    VENOMQA_DB_URL: 'mysql://env',
    VENOMQA_DB_BACKEND: 'mysql',
    VENOMQA_TIMEOUT: '60',
    VENOMQA_PARALLEL_PATHS: '4',
    VENOMQA_VERBOSE: 'true',
  }
  const fromFile = { baseUrl: 'http://file', timeout: 30_000, parallelPaths: 2, verbose: false }
  const fromEnv = { baseUrl: 'http://env', timeout: 60_000, parallelPaths: 4, verbose: true }
  const db = (url: string, backend: string) => ({ systems: { db: { url, backend, options: {} } } })

  test('file alone', async () => {
    expect(await load(file)).toMatchObject({ ...fromFile, ...db('postgres://file', 'postgres') })
  })
  test('variables alone', async () => {
    expect(await load(undefined, env)).toMatchObject({ ...fromEnv, ...db('mysql://env', 'mysql') })
  })
  test('both', async () => {
    const both = await load(file, env)
    expect(both).toMatchObject({ ...fromEnv, ...db('mysql://env', 'mysql') })
    expect(both.systems['db']!.from).toBe('VENOMQA_DB_URL')
  })
  test('each by itself', async () => {
    for (const [name, value] of Object.entries(env)) {
      const { timeout, verbose, parallelPaths, baseUrl, systems } = await load(file, { [name]: value })
      const all = [baseUrl, systems['db']!.url, systems['db']!.backend, timeout, parallelPaths, verbose]
      const usual = ['http://file', 'postgres://file', 'postgres', 30_000, 2, false]
      expect(all.filter((one, i) => one !== usual[i])).toHaveLength(1)
    }
  })
  test('an empty variable says nothing', async () => {
    const empty = Object.fromEntries(Object.keys(env).map((name) => [name, '']))
    expect(await load(file, empty)).toMatchObject({ ...fromFile, ...db('postgres://file', 'postgres') })
  })
})

describe('values', () => {
  test.each([
    [30, 30_000],
    ['30', 30_000],
    [0.5, 500],
    ['500ms', 500],
    ['30s', 30_000],
    ['2m', 120_000],
    ['1.5 s', 1500],
  ])('timeout %j is %i ms', async (timeout, ms) => {
    expect(await load({ timeout })).toMatchObject({ timeout: ms })
  })

  test.each([[0], [-1], ['soon'], ['10h'], [true], [{}], [5000]])('timeout %j is refused', async (timeout) => {
    expect(await refused({ timeout })).toMatch(/^timeout in .*config\.json is .*, and must be seconds/)
  })

  test('a timeout that was meant as milliseconds says so, and where it stands', async () => {
    expect(await refused({}, { VENOMQA_TIMEOUT: '5000' })).toMatch(
      /^VENOMQA_TIMEOUT is '5000', .*\nAs seconds it would be 83 minutes\.\n.*'500ms'/,
    )
  })

  test.each([[0], [1.5], ['many'], [null], ['']])(
    'parallelPaths %j is refused, or says nothing',
    async (parallelPaths) => {
      if (parallelPaths === null) expect(await load({ parallelPaths })).toMatchObject({ parallelPaths: 1 })
      else expect(await refused({ parallelPaths })).toContain('whole number from 1 on')
    },
  )

  test.each([['yes'], [1], ['TRUE']])('verbose %j is refused', async (verbose) => {
    expect(await refused({ verbose })).toContain('must be true or false')
  })
  test('verbose may be 1 or 0 in the environment', async () => {
    expect(await load({}, { VENOMQA_VERBOSE: '1' })).toMatchObject({ verbose: true })
    expect(await load({ verbose: true }, { VENOMQA_VERBOSE: '0' })).toMatchObject({ verbose: false })
  })

  test.each([
    [{ dbUrl: 5432 }, 'dbUrl in '],
    [{ dbUrl: '' }, 'dbUrl in '],
    [{ baseUrl: [] }, 'baseUrl in '],
    [{ systems: 'postgres://x' }, 'systems in '],
    [{ systems: { db: ['x'] } }, 'systems.db is a list'],
    [{ systems: { db: { url: URL, options: true } } }, 'systems.db.options is a boolean'],
    [['dbUrl'], 'is a list'],
  ])('%j is refused', async (config, what) => {
    expect(await refused(config)).toContain(what)
  })
})

describe('systems', () => {
  test('have a URL, or more', async () => {
    const { systems } = await load({
      systems: { db: URL, cache: { url: 'redis://localhost', options: { prefix: 'shop:' } } },
    })
    expect(systems).toMatchObject({
      db: { url: URL, options: {} },
      cache: { url: 'redis://localhost', options: { prefix: 'shop:' } },
    })
    expect(systems['db']?.backend).toBeUndefined()
  })

  test('take their URLs from VENOMQA_<NAME>_URL, whatever the file says', async () => {
    const { systems } = await load(
      { systems: { db: URL, searchIndex: {}, cache: { url: 'redis://file', options: { prefix: 'a' } } } },
      { VENOMQA_SEARCH_INDEX_URL: 'http://env', VENOMQA_CACHE_URL: 'redis://env', VENOMQA_DB_URL: 'mysql://env' },
    )
    expect(systems).toMatchObject({
      db: { url: 'mysql://env' },
      searchIndex: { url: 'http://env' },
      cache: { url: 'redis://env', options: { prefix: 'a' } },
    })
  })

  test('without a URL are refused, with the variable that would say it', async () => {
    expect(await refused({ systems: { cache: {} } })).toMatch(
      /^Nothing says where the system "cache" is\.\n.*\nSet VENOMQA_CACHE_URL, or systems\.cache\.url in /,
    )
    expect(await refused(undefined, { VENOMQA_DB_BACKEND: 'mysql' })).toContain(
      'Set VENOMQA_DB_URL, or dbUrl in venomqa.config.ts',
    )
    expect(await refused({ systems: { base: 'redis://x' } })).toContain(
      'VENOMQA_BASE_URL is where the application answers',
    )
  })

  test('named twice are refused', async () => {
    expect(await refused({ dbUrl: URL, systems: { db: URL } })).toContain('has systems.db, and dbUrl too')
    expect(await refused({ dbBackend: 'mysql', systems: { db: URL } })).toContain('has systems.db, and dbBackend too')
  })
})

describe('${VAR}', () => {
  test.each([
    ['${HOST}', 'db1'],
    ['a-${HOST}-${HOST}', 'a-db1-db1'],
    ['${PORT:-5432}', '5432'],
    ['${HOST:-other}', 'db1'],
    ['${EMPTY:-default}', 'default'],
    ['${EMPTY:-}', ''],
    ['${PORT:-a:-b $c}', 'a:-b $c'],
    ['$${HOST}', '${HOST}'],
    ['$HOST $$ {HOST}', '$HOST $$ {HOST}'],
  ])('%s is %j', async (text, value) => {
    const { baseUrl } = await load({ baseUrl: `http://${text}` }, { HOST: 'db1', EMPTY: '' })
    expect(baseUrl).toBe(`http://${value}`)
  })

  test('stands anywhere, and numbers are read from it', async () => {
    const { systems, timeout } = await load(
      { timeout: '${T:-7}', systems: { db: { url: 'redis://${HOST}', options: { list: ['${HOST}'] } } } },
      { HOST: 'db1' },
    )
    expect([systems['db'], timeout]).toMatchObject([{ url: 'redis://db1', options: { list: ['db1'] } }, 7000])
  })

  test('leaves alone what only code can say', async () => {
    using folder = new Folder({
      'venomqa.config.mjs': `export default { systems: { db: { url: 'redis://x', options: { ca: Buffer.from('ca'), prefix: () => 'a' } } } }`,
    })
    const { ca, prefix } = (await loadConfig({ cwd: folder.path, env: {} })).systems['db']!.options
    expect([ca, typeof prefix]).toEqual([Buffer.from('ca'), 'function'])
  })

  test('without a value is refused, by its place', async () => {
    expect(await refused({ systems: { db: { url: 'redis://${HOST}' } } })).toMatch(
      /^systems\.db\.url needs the environment variable HOST, which is not set\.\n.*\nSet HOST, or give it a default: \$\{HOST:-…\}\.$/,
    )
    for (const text of ['${HOST-secret}', '${1}', '${}', '${HOST']) {
      const message = await refused({ baseUrl: text }, { HOST: 'x' })
      expect(message).toMatch(/^baseUrl has "\$\{/)
      expect(message).not.toContain('secret')
    }
  })
})

test('a configuration that is printed or serialised shows no password', async () => {
  const settings = await load({
    dbUrl: URL,
    baseUrl: 'http://me:secret@localhost?api_key=secret',
  })
  const more = await load({
    systems: {
      db: { url: URL, options: { password: 'secret', tls: { key: 'secret' }, apiToken: 'secret', prefix: 'a' } },
    },
  })
  expect(settings.systems['db']!.url).toBe(URL)
  for (const one of [settings, more, settings.systems, more.systems['db']]) {
    for (const text of [inspect(one, { depth: 9 }), JSON.stringify(one), inspect({ one }, { depth: 9 })]) {
      expect(text).toContain('qa:***@localhost')
      expect(text).not.toContain('secret')
    }
  }
  expect(JSON.parse(JSON.stringify(more)).systems.db.options.prefix).toBe('a')
})
