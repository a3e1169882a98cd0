import { describe } from 'vitest'
import { describeServer } from '../../servers/server.ts'

/**
 * A suite on each server that npm test starts, and on Redis 6 and 8 when VENOMQA_TEST_REDIS6_URL and
 * VENOMQA_TEST_REDIS8_URL say where they are (`npm run services -- up redis6 redis8` prints them).
 */
export function describeEach(body: (url: string) => void): void {
  for (const name of ['redis', 'valkey']) describeServer(name, body)
  for (const name of ['redis6', 'redis8']) {
    const url = process.env[`VENOMQA_TEST_${name.toUpperCase()}_URL`]
    if (url) describe(name, () => body(url))
  }
}
