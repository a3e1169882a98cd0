import assert from 'node:assert/strict'
import { afterEach, expect, test } from 'vitest'
import { onBoth, systemOn, worker } from './bench.ts'
import { connect, type Database, makeDatabase } from './database.ts'

const TABLES = 'CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT); INSERT INTO t (v) VALUES (1)'
const PASSWORD = 'p@ss:w/o#r?d%&'

onBoth((url) => {
  const users: string[] = []
  afterEach(async () => {
    const administrator = await connect(url)
    for (const user of users.splice(0)) await administrator.query(`DROP USER IF EXISTS ${user}`)
    await administrator.query('SET GLOBAL log_bin_trust_function_creators = 0')
    await administrator.end()
  })

  /** The URL for a new user who has these grants. */
  async function userWith(database: Database, ...grants: string[]): Promise<string> {
    const user = `u${Math.random().toString(36).slice(2, 10)}`
    users.push(user)
    await database.sql(
      `CREATE USER ${user} IDENTIFIED BY '${PASSWORD}'; ${grants.map((grant) => `GRANT ${grant} TO ${user};`).join(' ')}`,
    )
    const address = new URL(database.url)
    return `mysql://${user}:${encodeURIComponent(PASSWORD)}@${address.host}${address.pathname}`
  }

  const all = ({ name }: Database): string[] => ['PROCESS ON *.*', `ALL ON \`${name}\`.*`, 'ALL ON `vq\\_%`.*']

  test('a user without SUPER is enough, once the server trusts the authors of triggers', async () => {
    await using database = await makeDatabase(url, TABLES)
    const address = await userWith(database, ...all(database))
    await expect(Promise.resolve(systemOn(address).open(worker()))).rejects.toMatchObject({
      code: 'MISSING_GRANT',
      message: expect.stringContaining('SET GLOBAL log_bin_trust_function_creators = 1'),
    })
    assert.deepEqual(await database.leftovers(), [])
    await database.sql('SET GLOBAL log_bin_trust_function_creators = 1')
    const system = systemOn(address)
    await system.open(worker())
    const mark = await system.checkpoint('before')
    await system.selfTest()
    await database.sql('UPDATE t SET v = 2; INSERT INTO t (v) VALUES (3)')
    await system.rollback(mark)
    assert.deepEqual(await database.sql('SELECT v FROM t'), [{ v: 1 }])
    await system.close()
    assert.deepEqual(await database.leftovers(), [])
  })

  for (const missing of [0, 1, 2]) {
    test(`a missing grant is named, and how to give it (${missing})`, async () => {
      await using database = await makeDatabase(url, TABLES)
      await database.sql('SET GLOBAL log_bin_trust_function_creators = 1')
      const given = all(database).toSpliced(
        missing,
        1,
        ...(missing === 1 ? [`SELECT, INSERT ON \`${database.name}\`.*`] : []),
      )
      const error = await Promise.resolve(systemOn(await userWith(database, ...given)).open(worker())).catch(
        (thrown: unknown) => thrown,
      )
      expect(error).toMatchObject({
        code: 'MISSING_GRANT',
        message: expect.stringContaining('GRANT PROCESS ON *.* TO …'),
      })
      assert.deepEqual(await database.leftovers(), [])
    })
  }

  test('a trigger of somebody else stays where it is, and the grant that is missing is named', async () => {
    await using database = await makeDatabase(
      url,
      `${TABLES}; CREATE TRIGGER mine AFTER INSERT ON t FOR EACH ROW SET @x = 1; CREATE TRIGGER also BEFORE DELETE ON t FOR EACH ROW SET @x = 2`,
    )
    await database.sql('SET GLOBAL log_bin_trust_function_creators = 1')
    const before = await database.sql('SHOW TRIGGERS')
    const system = systemOn(await userWith(database, ...all(database)))
    await expect(Promise.resolve(system.open(worker()))).rejects.toMatchObject({
      code: 'MISSING_GRANT',
      message: expect.stringMatching(/trigger \w+ on t belongs to root@[^]*SET USER[^]*SET_ANY_DEFINER/),
    })
    assert.deepEqual(await database.sql('SHOW TRIGGERS'), before)
    assert.deepEqual(await database.leftovers(), [])
  })

  test('a copy for a worker leaves out routines that may not be read, and names what may not be made', async () => {
    await using database = await makeDatabase(
      url,
      `${TABLES}; CREATE FUNCTION secret() RETURNS INT DETERMINISTIC RETURN 1; CREATE VIEW rooted AS SELECT id FROM t`,
    )
    await database.sql('SET GLOBAL log_bin_trust_function_creators = 1')
    const address = await userWith(database, ...all(database), `ALL ON \`${database.name}\\_vq\\_%\`.*`)
    const system = systemOn(address, { perWorker: true })
    await expect(Promise.resolve(system.open(worker()))).rejects.toMatchObject({
      code: 'MISSING_GRANT',
      message: expect.stringMatching(/rooted[^]*SET USER[^]*SET_ANY_DEFINER/),
    })
    assert.deepEqual(await database.sql(`SHOW DATABASES LIKE '${database.name}\\_vq%'`), [])
    await database.sql('DROP VIEW rooted')
    const notices: string[] = []
    await system.open(worker(notices))
    assert.deepEqual(notices, [
      `mysql: this user may not read secret of ${database.name}, so ${database.name}_vq_1 has none.`,
    ])
    await system.close()
  })

  test('a password is in no message', async () => {
    await using database = await makeDatabase(url, TABLES)
    const address = await userWith(database, ...all(database))
    const wrong = [
      address.replace('@127', 'wrong@127'),
      address.replace(/:\d+\//, ':1/'),
      address.replace(database.name, `${database.name}_no_test`),
      address.replace(/u\w+:/, 'nobody:'),
    ]
    for (const bad of wrong) {
      const error = (await Promise.resolve(systemOn(bad).open(worker())).catch((thrown: unknown) => thrown)) as Error
      expect(error).toMatchObject({ name: 'VenomError' })
      expect(`${error.message} ${error.stack}`).not.toContain('p%40ss')
      expect(`${error.message} ${error.stack}`).not.toContain('p@ss')
    }
  })
})
