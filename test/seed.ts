import { execFileSync } from 'node:child_process'
import fc from 'fast-check'

// One commit makes the same random programs everywhere, so that its tests end the same; the next commit makes others.
const seed = process.env['VENOMQA_FUZZ_RUNS'] ? undefined : seedOfCommit()
if (seed !== undefined) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed })

function seedOfCommit(): number | undefined {
  try {
    const commit = execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    return Number.parseInt(commit.slice(0, 7), 16)
  } catch {
    return undefined // not a clone
  }
}
