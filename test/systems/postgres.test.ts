import { describe, test } from 'vitest'
import { conformance } from '../../src/kit/index.ts'
import { describeServer } from '../servers/server.ts'
import { openShared } from './postgres/shared-subject.ts'
import { openSubject } from './postgres/subject.ts'

for (const name of ['postgres', 'postgres18']) {
  describeServer(name, (server) => {
    conformance(test, () => openSubject(server), {
      runs: 60,
      except: {
        'undoes a change of schema': 'rows are put back, and what was added is dropped, but columns are not',
      },
    })
    describe('shared', () => conformance(test, () => openShared(server), { runs: 60 }))
  })
}
