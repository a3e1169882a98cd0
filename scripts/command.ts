import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { styleText } from 'node:util'

/** The folder of the repository. */
export const root = fileURLToPath(new URL('..', import.meta.url))

/** How a command went, and what it printed. */
export interface Done {
  readonly ok: boolean
  readonly stdout: string
  /** What it printed to stdout and stderr. */
  readonly output: string
}

interface Options {
  readonly cwd?: string
  readonly env?: Record<string, string>
}

/** Runs a command with our own output as its output. Nothing is read from the terminal. */
export function show(command: string, args: readonly string[], options: Options = {}): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...place(options), stdio: ['ignore', 'inherit', 'inherit'] })
    child.on('error', () => resolve(false)).on('close', (code) => resolve(code === 0))
  })
}

/** Runs a command in silence, then prints one line: what it was, how long it took, and when it failed, all its output. */
export async function step(
  what: string,
  command: string,
  args: readonly string[],
  options: Options = {},
): Promise<Done> {
  const done = await attempt(what, command, args, options)
  if (!done.ok) console.log(done.output.trimEnd())
  return done
}

/** The same for a command that may fail. */
export async function attempt(
  what: string,
  command: string,
  args: readonly string[],
  options: Options = {},
): Promise<Done> {
  const started = performance.now()
  const done = await quiet(command, args, options)
  const seconds = `${((performance.now() - started) / 1000).toFixed(1)} s`
  console.log(`${done.ok ? styleText('green', '✓') : styleText('red', '×')} ${what} ${styleText('dim', seconds)}`)
  return done
}

function quiet(command: string, args: readonly string[], options: Options): Promise<Done> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...place(options), stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text) => (output += text) && (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text) => (output += text))
    child.on('error', (error) => resolve({ ok: false, stdout, output: error.message }))
    child.on('close', (code) => resolve({ ok: code === 0, stdout, output }))
  })
}

function place({ cwd = root, env = {} }: Options): { cwd: string; env: NodeJS.ProcessEnv } {
  return { cwd, env: { ...process.env, ...env } }
}
