import { type Judged, milliseconds } from './row.ts'
import { number } from './table.ts'

/** What a section of docs/performance.md is called, by the name of its bench. */
export const TITLES: Readonly<Record<string, string>> = {
  sqlite: 'SQLite',
  postgres: 'PostgreSQL',
  mysql: 'MySQL and MariaDB',
  redis: 'Redis',
  mongodb: 'MongoDB',
  elasticsearch: 'Elasticsearch',
  journey: 'Journeys in Vitest',
}

/** The machine of a run. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly system: string
  readonly node: string
  /** ISO 8601. */
  readonly date: string
}

/** `page` with the section of a bench as it was measured now. */
export function withSection(page: string, title: string, machine: Machine, rows: readonly Judged[]): string {
  const [introduction = '', ...sections] = page.split(/^(?=## )/m)
  const all = new Map(sections.map((text) => [/^## (.*)/.exec(text)?.[1], text.trimEnd()]))
  all.set(title, `## ${title}\n\n${said(machine)}\n\n${table(rows)}`)
  const places = Object.values(TITLES)
  const order = [...all].toSorted(([a = ''], [b = '']) => places.indexOf(a) - places.indexOf(b))
  return `${[introduction.trimEnd(), ...order.map(([, text]) => text)].join('\n\n')}\n`
}

function said({ date, cpu, cores, memoryGiB, system, node }: Machine): string {
  return `${date.slice(0, 10)}: ${cpu}, ${cores} cores, ${memoryGiB} GiB, ${system}, Node ${node}.`
}

function table(rows: readonly Judged[]): string {
  const lines = rows.map((row) => {
    const { work, ours, peers, fastestPeer } = row
    const peer = fastestPeer === null ? '' : `${fastestPeer}, ${number(milliseconds(peers[fastestPeer]!))}`
    return `| ${work} | ${number(milliseconds(ours.ms))} | ${peer} | ${verdict(row)} |`
  })
  return ['| work | ours | the fastest other way | ours is |', '| --- | ---: | ---: | --- |', ...lines].join('\n')
}

function verdict({ figure = 'speedup', value, unit }: Judged): string {
  switch (figure) {
    case 'speedup':
      return value < 1 ? `**${number(1 / value)}× slower**` : `${number(value)}× faster`
    case 'overhead':
      return `${number(Math.abs(value))} % ${value < 0 ? 'shorter' : 'longer'}`
    case 'ratio':
      return `${number(value)}× as long`
    default:
      return `${number(value)}${unit}`
  }
}
