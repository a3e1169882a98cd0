import { describe, test } from 'vitest'
import { conformance } from '../../src/kit/index.ts'
import { describeServer } from '../servers/server.ts'
import { openShared } from './mysql/shared-subject.ts'
import { openSubject } from './mysql/subject.ts'

for (const flavour of ['mariadb', 'mysql'] as const) {
  describeServer(flavour, (url) => {
    describe('with logs', () => conformance(test, () => openSubject(url, flavour), { runs: 40 }))
    describe('with copies', () => conformance(test, () => openSubject(url, flavour, { copy: true }), { runs: 10 }))
    describe('shared', () =>
      conformance(test, () => openShared(url), {
        runs: 30,
        except: {
          'gives the same generated id again': 'AUTO_INCREMENT is in no transaction, and ALTER TABLE would end it',
        },
      }))
  })
}
