import { describe, test } from 'vitest'
import { conformance } from '../../src/kit/index.ts'
import { postgres } from '../../src/systems/postgres/index.ts'
import { describeServer } from '../servers/server.ts'
import { postgresServers } from './postgres/each.ts'
import { openOnCopy } from './postgres/copies-subject.ts'
import { openShared } from './postgres/shared-subject.ts'
import { openSubject } from './postgres/subject.ts'

for (const name of postgresServers) {
  describeServer(name, (server) => {
    conformance(test, () => openSubject(server), {
      runs: 60,
      except: {
        'undoes a change of schema': 'rows are put back, and what was added is dropped, but columns are not',
      },
    })
    describe('shared', () => conformance(test, () => openShared(server), { runs: 60 }))
    describe('a copy for each worker', () =>
      conformance(test, () => openOnCopy(server, (url) => postgres(url, { perWorker: true })), {
        runs: 10,
        except: {
          'undoes a change of schema': 'rows are put back, and what was added is dropped, but columns are not',
        },
      }))
    // It is the same for all versions, and it copies whole databases.
    if (name !== 'postgres18') return
    describe('template', () =>
      conformance(test, () => openOnCopy(server, (url) => postgres(url, { way: 'template', settle: 100 })), {
        runs: 2,
      }))
  })
}
