import type { Graph, State } from '../graph.ts'
import { reportText } from '../report-text.ts'
import type { ExploreReport } from '../report.ts'
import { differences, line } from '../why.ts'
import { escaped as text } from './escaped.ts'
import { labelOf } from './label.ts'
import { toSvg } from './svg.ts'

/** How many states the page holds, the nearest first, and how many of them are drawn: of more, nobody sees an arrow. */
const SHOWN = 2000
const DRAWN = 120

/**
 * The report as one page without anything outside it, which forbids itself scripts and requests: the violations, the
 * coverage, a picture of the states, and every state with how it is reached, what is in it, and where each action leads.
 */
export function toHtml(report: ExploreReport): string {
  const { graph, name, coverage } = report
  const nearest = graph.states.toSorted((a, b) => a.depth - b.depth)
  const shown = new Set(nearest.slice(0, SHOWN))
  const drawn = nearest.slice(0, DRAWN)
  const rows = Object.entries(coverage.actions).map(
    ([action, { runs, accepted, rejected, failed, noop }]) =>
      `<tr><td>${text(action)}<td>${runs}<td>${accepted}<td>${rejected}<td>${failed}<td>${noop}`,
  )
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${text(name)}</title>
<style>${STYLE}</style>
<h1>${text(name)}</h1>
<pre>${text(reportText(report))}</pre>
<table><tr><th>action<th>runs<th>accepted<th>refused<th>failed<th>no change
${rows.join('\n')}
</table>
<h2>States</h2>
<div class="graph">${toSvg(drawn)}</div>
${graph.states.length > drawn.length ? `<p>The ${drawn.length} nearest of ${graph.states.length} states.</p>` : ''}
${[...shown].map((state) => section(graph, state, shown)).join('\n')}
${graph.states.length > shown.size ? `<p>${graph.states.length - shown.size} more states are not on this page.</p>` : ''}
</html>
`
}

/** A browser opens it for who follows a link to what is inside. */
function section(graph: Graph, state: State, shown: ReadonlySet<State>): string {
  const to = (other: State): string =>
    shown.has(other) ? `<a href="#s${other.number}">state ${other.number}</a>` : `state ${other.number}`
  const path = graph.pathTo(state).map(labelOf)
  const out = [...state.out.values()].map(({ call, to: next, outcome, status }) => {
    const changed = next === state ? [] : differences(state.look?.data, next.look?.data).slice(0, 5).map(line)
    const answer = `${status ?? ''}${outcome === 'rejected' ? ' refused' : ''}`
    return `<li>${text(labelOf(call))} <i>${answer}</i> → ${next === state ? 'no change' : to(next)}<br><small>${text(changed.join(' · '))}</small>`
  })
  const open = (state.closed ? [] : (state.open ?? [])).map((call) => `<li>${text(labelOf(call))} <i>not tried</i>`)
  const broken = state.broken.map((rule) => `<strong>✗ ${text(rule)}</strong>`)
  return `<details><summary>state ${state.number} ${broken.join(' ')} <small>${text(path.join(' → ') || 'initial')}</small></summary>
<ul id="s${state.number}">${[...out, ...open].join('')}</ul><pre>${text(contentOf(state))}</pre></details>`
}

function contentOf({ look }: State): string {
  return look ? differences({}, look.data).map(line).join('\n') : ''
}

const STYLE = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
pre { overflow-x: auto; font-size: 13px }
table { border-collapse: collapse } th, td { padding: .2rem .8rem .2rem 0; text-align: left }
small, i { opacity: .7 } strong { color: #c22 } details:has(:target) > summary { background: #fc68 }
ul { scroll-margin-top: 4rem }
.graph { overflow: auto; max-height: 80vh } svg { font-size: 11px; text-anchor: middle }
rect { fill: Canvas; stroke: currentColor } text, marker path { fill: currentColor }
.arrow { fill: none; stroke: currentColor; opacity: .4; marker-end: url(#tip) } .arrow:hover { opacity: 1; stroke-width: 2 }
a { color: inherit } .broken rect { stroke: #c22; stroke-width: 2 } .broken text { fill: #c22 }
`
