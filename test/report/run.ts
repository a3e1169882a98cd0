import type { NodeReport } from '../../src/journey/report.ts'
import type { ReportedPath, RunReport } from '../../src/report/run.ts'

const HOSTILE = `<img src=x onerror="document.title='stolen'">`

const made: NodeReport = {
  kind: 'step',
  name: `make ${HOSTILE}`,
  depth: 0,
  state: 'ran',
  ms: 12.4,
  http: [{ method: 'POST', url: 'http://localhost:3000/lamps', status: 201, ms: 3.2 }],
}
const mark: NodeReport = { kind: 'checkpoint', name: 'made', depth: 0, state: 'ran', ms: 1 }

const sold: ReportedPath = {
  outcome: 'failed',
  retries: 1,
  report: {
    names: ['lamps', 'sell # one'],
    nodes: [
      made,
      mark,
      {
        kind: 'step',
        name: 'sell it',
        depth: 1,
        state: 'failed',
        ms: 7,
        http: [{ method: 'GET', url: 'http://localhost:3000/lamps/<1>', status: 500, ms: 2 }],
      },
    ],
    changed: { since: '◆ made', lines: [`db orders: 1 updated (name ada → ${HOSTILE})`] },
    logs: [{ log: 'app.log', lines: [`TypeError: ${HOSTILE}`] }],
  },
  failures: [
    {
      message: `expected ${HOSTILE} to be a lamp\n\npath: make → ◆ made → ✗ sell it`,
      diff: `- Expected\n+ Received\n\n- a lamp\n+ ${HOSTILE}`,
      place: 'test/lamps.test.ts:12:3',
    },
  ],
}

const kept: ReportedPath = {
  outcome: 'passed',
  retries: 0,
  report: {
    names: ['lamps', 'keep it'],
    nodes: [
      { ...made, state: 'kept' },
      { ...mark, state: 'kept' },
      { kind: 'step', name: 'keep', depth: 1, state: 'ran', ms: 1 },
    ],
  },
  failures: [],
}

const skipped: ReportedPath = {
  outcome: 'skipped',
  retries: 0,
  report: {
    names: ['lamps', 'lend it'],
    nodes: [made, mark, { kind: 'step', name: 'lend', depth: 1, state: 'not run' }],
    skipped: 'step "lend" is marked skip',
  },
  failures: [],
}

/** A run in which every text that could be another's tries to break out. */
export const run: RunReport = {
  ended: new Date(0),
  files: [
    {
      file: 'test/lamps.test.ts',
      journeys: [[sold, kept, skipped]],
      tests: [
        {
          name: `explores ${HOSTILE}`,
          outcome: 'passed',
          failures: [],
          exploration: {
            verdict: 'exhausted',
            text: `exhausted: 2 states ${HOSTILE}`,
            states: 2,
            dot: `digraph states {\n  s0 [label="state 0"]\n  s1 [label="${HOSTILE.replaceAll('"', String.raw`\"`)}", color=red]\n  s0 -> s1 [label="light"]\n}`,
            mermaid: 'stateDiagram-v2\n  s0 --> s1: light\n',
          },
        },
        { name: `fails ${'`'.repeat(3)}`, outcome: 'failed', failures: [{ message: `${'`'.repeat(4)} ${HOSTILE}` }] },
      ],
    },
  ],
}
