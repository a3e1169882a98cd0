import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Bench, type Flavour, onBoth, open, undoes } from './bench.ts'

/** A column type and the values to be kept, as SQL. */
const TYPES: Readonly<Record<string, readonly string[]>> = {
  BOOLEAN: ['TRUE', 'FALSE'],
  'TINYINT UNSIGNED ZEROFILL': ['255', '0'],
  MEDIUMINT: ['-8388608', '8388607'],
  'BIGINT UNSIGNED': ['18446744073709551615', '9007199254740993'],
  BIGINT: ['-9223372036854775808', '9223372036854775807'],
  'DECIMAL(65,30)': ["'99999999999999999999999999999999999.123456789012345678901234567890'", '-0.1'],
  FLOAT: ['0.1', '1.2345678', '-3.4e38', '16777217'],
  'FLOAT(7,4)': ['999.0001', '1.1'],
  DOUBLE: ['0.1', '1e-300', '2.2250738585072014e-308', '-0.0', '1.7976931348623157e308'],
  'BIT(1)': ["b'1'", "b'0'"],
  'BIT(64)': [`b'${'10'.repeat(32)}'`, "b'1'"],
  DATE: ["'2024-02-29'", "'0000-00-00'", "'2024-00-00'", "'2023-02-31'"],
  'DATETIME(6)': ["'2024-02-29 01:02:03.456789'", "'0000-00-00 00:00:00'", "'9999-12-31 23:59:59.999999'"],
  'TIMESTAMP(3)': ["'2024-07-01 12:00:00.123'", "'0000-00-00 00:00:00'", "'2037-12-31 00:00:00'"],
  'TIME(3)': ["'-838:59:59.000'", "'10:11:12.345'"],
  YEAR: ['1901', '0', '2155'],
  'CHAR(5)': ["'a'", "''"],
  'VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_german1_ci': ["'größe'", "'GRÖSSE'", "'trailing  '"],
  'VARCHAR(20) CHARACTER SET utf16': ["'🏴 東京'"],
  'VARCHAR(20) CHARACTER SET sjis': ["'東京'"],
  'VARCHAR(20) CHARACTER SET utf8mb4': [String.raw`'quote '' back \\ slash'`, "'e\u0301'"],
  'BINARY(4)': ["x'00ff00'", "x''"],
  'VARBINARY(9)': ["x'00'", "x'0000'", "x'fffefd'"],
  TINYBLOB: ["x'0001'"],
  LONGBLOB: ["REPEAT(x'00ff', 50000)", "x''"],
  LONGTEXT: ["REPEAT('ü', 100000)", "'a\\nb\\r\\0c'"],
  "ENUM('', 'x', 'ü', 'it''s') CHARACTER SET utf8mb4": ["'ü'", "'it''s'", "''", '0'],
  "SET('a', 'b', 'c')": ["'a,c'", "''"],
  JSON: [`'{"b": [1, 2.50, null], "a": "ü"}'`, `'"text"'`, "'null'", `'{"a": 1, "a": 2}'`],
  GEOMETRY: [
    "ST_GeomFromText('POINT(1.5 -2)')",
    "ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 1))', 0)",
  ],
  POINT: ["ST_GeomFromText('POINT(1 2)', 4326)"],
  POLYGON: ["ST_GeomFromText('POLYGON((0 0,0 1,1 1,0 0))')"],
  'INT DEFAULT 7': ['NULL', '1'],
  'INT INVISIBLE DEFAULT 5': ['NULL', '6'],
}

const OWN: Readonly<Record<Flavour, Readonly<Record<string, readonly string[]>>>> = {
  mariadb: {
    UUID: ["'123e4567-e89b-12d3-a456-426655440000'"],
    INET6: ["'2001:db8::ff00:42:8329'", "'::'"],
    INET4: ["'192.0.2.1'"],
    'VARCHAR(200) COMPRESSED': ["REPEAT('x', 200)"],
  },
  mysql: {
    'VECTOR(3)': ["STRING_TO_VECTOR('[1.5,2,3]')"],
    'POINT SRID 4326': ["ST_GeomFromText('POINT(1 2)', 4326)"],
    'DATETIME DEFAULT (NOW() + INTERVAL 1 DAY)': ["'2024-01-01'"],
  },
}

onBoth((url, flavour) => {
  describe('comes back byte for byte', () => {
    const types = Object.entries({ ...TYPES, ...OWN[flavour] })
    let bench: Bench
    beforeAll(async () => {
      const tables = types.map(([type, values], i) => {
        const rows = values.map((value) => `INSERT INTO type${i} (v) VALUES (${value})`)
        return [
          `CREATE TABLE type${i} (id INT AUTO_INCREMENT PRIMARY KEY, v ${type.includes('DEFAULT') ? type : `${type} NULL`}, x INT)`,
          ...rows,
        ]
      })
      bench = await open(url, `SET sql_mode = 'ALLOW_INVALID_DATES'; ${tables.flat().join(';')}`)
    })
    afterAll(() => bench[Symbol.asyncDispose]())

    for (const [i, [type]] of types.entries()) {
      test(type, async () => {
        const sql = `SET sql_mode = '', time_zone = '+05:00'; UPDATE type${i} SET v = NULL WHERE id = 1; UPDATE type${i} SET x = 1 WHERE id = 2; DELETE FROM type${i} WHERE id <> 2`
        await undoes(bench, () => bench.app.sql(sql))
      })
    }

    test('is told exactly', async () => {
      const at = (type: string): string => `type${types.findIndex(([name]) => name === type)}`
      const { data } = (await bench.system.observe()) as { data: Record<string, { v: unknown }[]> }
      const told = (type: string): unknown[] => data[at(type)]!.map(({ v }) => v)
      expect(told('BIGINT UNSIGNED')).toEqual(['18446744073709551615', '9007199254740993'])
      expect(told('FLOAT')).toEqual([0.1, 1.2345678, -3.4e38, 16777216])
      expect(told('DOUBLE')).toEqual([0.1, 1e-300, 2.2250738585072014e-308, expect.closeTo(0), 1.7976931348623157e308])
      expect(told('BIT(1)')).toEqual([Buffer.from([1]), Buffer.from([0])])
      expect(told('DATE')).toEqual(['2024-02-29', '0000-00-00', '2024-00-00', '2023-02-31'])
      expect(told('VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_german1_ci')).toEqual([
        'größe',
        'GRÖSSE',
        'trailing  ',
      ])
      expect(told('VARBINARY(9)')).toEqual([Buffer.from([0]), Buffer.from([0, 0]), Buffer.from([255, 254, 253])])
      expect(told('DECIMAL(65,30)')[1]).toBe('-0.100000000000000000000000000000')
    })

    test('two floats that look the same as text are two', async () => {
      const mark = await bench.system.checkpoint('before')
      const table = `type${types.findIndex(([name]) => name === 'FLOAT')}`
      await bench.app.sql(`UPDATE ${table} SET v = 1.2345679 WHERE id = 2`)
      expect(await bench.system.changes(mark)).toEqual([
        {
          table,
          inserted: [],
          updated: [{ key: { id: 2 }, before: { v: 1.2345678 }, after: { v: 1.2345679 } }],
          deleted: [],
        },
      ])
      await bench.system.rollback(mark)
      await bench.system.release(mark)
    })
  })
})
