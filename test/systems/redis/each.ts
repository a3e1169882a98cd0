import { describe } from 'vitest'
import { describeServer } from '../../servers/server.ts'

/**
 * A suite on each server that npm test starts, and on Redis 8 when VENOMQA_TEST_REDIS8_URL says where one is
 * (`npm run services -- up redis8` prints it).
 */
export function describeEach(body: (url: string) => void): void {
  for (const name of ['redis', 'valkey']) describeServer(name, body)
  const redis8 = process.env['VENOMQA_TEST_REDIS8_URL']
  if (redis8) describe('redis8', () => body(redis8))
}
