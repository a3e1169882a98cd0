import { durationText } from '../journey/duration.ts'
import { exchangeText, repeatsAsOne } from '../journey/exchanges.ts'
import { isBranch, type Limb, partsOf, treeOf, type Shown } from '../journey/limbs.ts'
import { SIGNS } from '../journey/outline.ts'
import { labelOf, lineOf, ownMessage } from '../journey/report.ts'
import type { Draw } from './drawing.ts'
import type { ExplorationStory } from './exploration.ts'
import { html, Markup } from './markup.ts'
import {
  countText,
  type Failure,
  otherFailures,
  type ReportedFile,
  type ReportedPath,
  type ReportedTest,
  type RunReport,
  totalsOf,
} from './run.ts'
import { STYLE } from './style.ts'

/** A run with more paths opens only what failed. */
const ALL_OPEN = 100

/**
 * A run as one page without anything outside it: each journey as a tree with the durations, requests, changes, logs and
 * failures of its steps; each exploration with its graph. It has no scripts, and forbids them.
 */
export function toPage(run: RunReport, draw: Draw | undefined): string {
  return new Page(run, draw).whole().text
}

class Page {
  readonly #run: RunReport
  readonly #draw: Draw | undefined
  readonly #allOpen: boolean

  constructor(run: RunReport, draw: Draw | undefined) {
    this.#run = run
    this.#draw = draw
    this.#allOpen = run.files.flatMap(({ journeys }) => journeys.flat()).length <= ALL_OPEN
  }

  whole(): Markup {
    return html`<!doctype html>
      <html lang="en">
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
        <title>${totalsOf(this.#run) || 'nothing ran'}</title>
        <style>
          ${new Markup(STYLE)}
        </style>
        <header>
          <h1>Journeys</h1>
          <p>${totalsOf(this.#run) || 'Nothing ran.'} <small>${this.#run.ended.toISOString()}</small></p>
        </header>
        <main>${this.#run.files.map((file) => this.#file(file))}</main>
      </html> `
  }

  #file({ file, journeys, tests }: ReportedFile): Markup {
    const others = tests.filter(({ exploration }) => !exploration)
    return html`<section>
      <h2>${file}</h2>
      ${journeys.map((paths) => this.#journey(paths))}
      ${tests.filter(({ exploration }) => exploration).map((test) => this.#exploration(test))}
      ${
        others.length > 0 &&
        html`<details class="card" ${this.#open(others)}>
          <summary><b>${countText(others, 'other test')}</b></summary>
          <ul>
            ${others.map(
              ({ name, outcome, failures }) =>
                html`<li class="${outcome}">${SIGNS[outcome]} ${name}${failures.map(failure)}</li>`,
            )}
          </ul>
        </details>`
      }
    </section> `
  }

  #journey(paths: readonly ReportedPath[]): Markup {
    const root = treeOf(paths)
    return html`<details class="card" ${this.#open(paths)}>
      <summary>${head(root)} <small>${countText(paths, 'path')}</small></summary>
      ${this.#body(root)}
    </details> `
  }

  #body(limb: Limb<ReportedPath>): Markup {
    const parts = partsOf(limb)
    const { outcome } = limb
    return html`<ul>
      ${parts.map((part) => (isBranch(part) ? this.#branch(part) : part.map(node)))}${
        outcome &&
        limb.branches.length > 0 &&
        html`<li class="${outcome.outcome}">${SIGNS[outcome.outcome]} <b>${outcome.report.names.at(-1)}</b></li>`
      }${outcome && remarks(outcome)}
    </ul>`
  }

  #branch(limb: Limb<ReportedPath>): Markup {
    return html`<li>
      <details ${this.#open(pathsOf(limb))}>
        <summary>${head(limb)}</summary>
        ${this.#body(limb)}
      </details>
    </li>`
  }

  #exploration(test: ReportedTest): Markup {
    const { name, outcome, exploration } = test
    const { verdict, text, states } = exploration!
    return html`<details class="card" ${this.#open([{ outcome }])}>
      <summary class="${outcome}">${SIGNS[outcome]} <b>${name}</b> <small>${verdict}, ${states} states</small></summary>
      <pre>${text}</pre>
      ${otherFailures(test).map(failure)}${this.#graph(exploration!)}
    </details> `
  }

  #graph({ dot, mermaid }: ExplorationStory): Markup {
    if (this.#draw) return html`<figure>${this.#draw(dot)}</figure>`
    return html`<pre>${mermaid}</pre>
      <p><small>npm install --save-dev @viz-js/viz draws this graph.</small></p>`
  }

  #open(tests: readonly { readonly outcome: ReportedPath['outcome'] }[]): Markup | false {
    return (this.#allOpen || tests.some(({ outcome }) => outcome === 'failed')) && html`open`
  }
}

function pathsOf({ outcome, branches }: Limb<ReportedPath>): ReportedPath[] {
  const below = branches.flatMap(({ limb }) => pathsOf(limb))
  return outcome ? [...below, outcome] : below
}

/** Where branches come first, the sign of the main line stands at its end. */
function head({ name, outcome, branches }: Limb<ReportedPath>): Markup {
  if (!outcome || branches.length > 0) return html`<b>${name}</b>`
  return html`<span class="${outcome.outcome}">${SIGNS[outcome.outcome]}</span> <b>${name}</b>`
}

function node({ best, replays }: Shown): Markup {
  const { kind, state, ms, http = [] } = best
  const failed = state === 'failed'
  const shown = html`${failed && '✗ '}${labelOf(best)}${
    kind === 'step' && ms !== undefined && html` <small>${durationText(ms)}</small>`
  }${replays > 0 && html` <small>replayed ${replays}×</small>`}`
  const looks = `${kind} ${state}`
  if (http.length === 0) return html`<li class="${looks}">${shown}</li>`
  const count = http.reduce((sum, { times = 1 }) => sum + times, 0)
  return html`<li class="${looks}">
    <details ${failed && html`open`}>
      <summary>${shown} <small>${count} request${count > 1 && 's'}</small></summary>
      <ul class="http">
        ${repeatsAsOne(http).map(
          (exchange) => html`<li class="${(exchange.status ?? 500) >= 500 && 'failed'}">${exchangeText(exchange)}</li>`,
        )}
      </ul>
    </details>
  </li>`
}

/** Why a path failed or did not run, what it changed, and what the application logged. */
function remarks({ report, retries, failures }: ReportedPath): Markup {
  const { skipped, changed, logs = [] } = report
  return html`${skipped !== undefined && html`<li class="skipped">skipped: ${skipped}</li>`}${
    retries > 0 && html`<li class="skipped">tried ${retries + 1} times</li>`
  }${
    failures.length > 0 &&
    html`<li class="story">
      ${failures.map(failure)}
      <p><small>path</small> ${lineOf(report.nodes)}</p>
    </li>`
  }${
    changed &&
    changed.lines.length > 0 &&
    html`<li class="story">
      <small>changed since ${changed.since}</small>
      <pre>${changed.lines.join('\n')}</pre>
    </li>`
  }${logs.map(
    ({ log, lines }) =>
      html`<li class="story">
        <small>${log}</small>
        <pre>${lines.join('\n')}</pre>
      </li>`,
  )}`
}

function failure({ message, diff, place }: Failure): Markup {
  return html`<pre class="failure">${ownMessage(message).split('\n').map(diffLine)}</pre>
    ${
      diff !== undefined && html`<pre>${diff.split('\n').map(diffLine)}</pre>`
    }${place !== undefined && html`<p><small>at ${place}</small></p>`}`
}

function diffLine(line: string): Markup {
  const [first] = line.trimStart()
  const looks = first === '+' || first === '-' ? { '+': 'added', '-': 'removed' }[first] : ''
  return html`<span class="${looks}">${line || ' '}</span>`
}
