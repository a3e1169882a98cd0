import { createRequire } from 'node:module'
import { messageOf } from '../errors.ts'
import { redacted } from '../safety.ts'
import { badConfig } from './refusal.ts'

/**
 * Loads a file of the user's, in whatever module format: under Jest by Jest's own transforms, else by Node, which loads
 * ES modules and strips types by itself.
 *
 * Throws `BAD_CONFIG`, with what the file threw as its cause.
 */
export function loadFile(file: string, name: string): Readonly<Record<string, unknown>> {
  try {
    // `require` and not `import()`, which Jest has only for ES modules.
    return Object(createRequire(file)(file)) as Readonly<Record<string, unknown>>
  } catch (error) {
    throw badConfig(
      `${file} could not be loaded: ${redacted(messageOf(error).split('\n')[0]!)}`,
      `${name} comes from this file.`,
      howTo(file, error),
      error,
    )
  }
}

function howTo(file: string, error: unknown): string {
  const { code, name } = Object(error) as { readonly code?: string; readonly name?: string }
  if (code === 'ERR_REQUIRE_ASYNC_MODULE') return 'It awaits at its top level: export an async function instead.'
  if (process.env['JEST_WORKER_ID'] !== undefined && (code === 'ERR_REQUIRE_ESM' || name === 'SyntaxError')) {
    return 'Jest runs CommonJS here: write it in the language that Jest transforms (.ts, .js), or as .json or .yaml.'
  }
  // Node strips types since 22.18 and 23.6.
  if (/\.[cm]?ts$/.test(file) && process.features.typescript === false) {
    return `Node ${process.version} does not read TypeScript: use Node 22.18 or newer, or .mjs, .json or .yaml.`
  }
  return 'Mend it there; the cause of this error has the stack.'
}
