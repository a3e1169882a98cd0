import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { styleText } from 'node:util'

/** The folder of the repository. */
export const root = fileURLToPath(new URL('..', import.meta.url))

export interface Done {
  readonly ok: boolean
  readonly stdout: string
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
  const started = performance.now()
  const { ok, stdout, stderr } = await quiet(command, args, options)
  const seconds = `${((performance.now() - started) / 1000).toFixed(1)} s`
  console.log(`${ok ? styleText('green', '✓') : styleText('red', '×')} ${what} ${styleText('dim', seconds)}`)
  if (!ok) console.log(`${stdout}${stderr}`.trimEnd())
  return { ok, stdout }
}

function quiet(command: string, args: readonly string[], options: Options): Promise<Done & { stderr: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...place(options), stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text))
    child.on('error', (error) => resolve({ ok: false, stdout, stderr: error.message }))
    child.on('close', (code) => resolve({ ok: code === 0, stdout, stderr }))
  })
}

function place({ cwd = root, env = {} }: Options): { cwd: string; env: NodeJS.ProcessEnv } {
  return { cwd, env: { ...process.env, ...env } }
}
