/** A place in the user's code. */
export interface Place {
  readonly line: number
  readonly column: number
}

const FRAME = /^\s+at (?:async )?(?:.*? \()?((?:file:\/\/)?(?:\/|[A-Za-z]:[\\/]).*?):(\d+):(\d+)\)?$/

// Where this package lies, read off a frame of its own: `import.meta` does not exist in the CommonJS build.
const ROOT = fileOf(new Error('here').stack?.split('\n')[1] ?? '').replace(/src[\\/]stack\.[cm]?[jt]s.*$/, '')
const OWN = ['src', 'vitest-plugin', 'jest-preset'].map((folder) => ROOT + folder)

/** Takes this package's frames out of an error's stack and its causes', so that runners point at the user's line. Anything thrown may come. */
export function hideOwnFrames<T>(thrown: T, seen = new Set<unknown>()): T {
  if (typeof thrown !== 'object' || thrown === null || seen.has(thrown)) return thrown
  seen.add(thrown)
  const error = thrown as { stack?: unknown; cause?: unknown; errors?: unknown }
  try {
    if (typeof error.stack === 'string')
      error.stack = linesOf(error.stack)
        .filter((line) => !isOwn(line))
        .join('\n')
    hideOwnFrames(error.cause, seen)
    for (const one of Array.isArray(error.errors) ? error.errors : []) hideOwnFrames(one as unknown, seen)
  } catch {
    // A frozen error keeps its frames: they are only noise.
  }
  return thrown
}

/** Adds the user's frames of `site` to a stack that has none: what a driver's socket or a timer throws was called from somewhere. */
export function pointTo<E extends Error>(site: Error, error: E): E {
  const lines = linesOf(hideOwnFrames(error).stack)
  if (lines.some(isUsers)) return error
  try {
    error.stack = [...lines, ...linesOf(site.stack).filter(isUsers)].join('\n')
  } catch {
    // A frozen error points nowhere.
  }
  return error
}

/** Makes `error` look as if it was thrown where `site` was made, by the user's frame. */
export function at<E extends Error>(site: Error, error: E): E {
  error.stack = [`${error.name}: ${error.message}`, ...linesOf(site.stack).filter(isUsers)].join('\n')
  return error
}

/** The first place of `site` in `file`. */
export function placeIn(file: string, site: Error): Place | undefined {
  for (const line of linesOf(site.stack)) {
    const match = FRAME.exec(line)
    if (match && fileOf(line) === file) return { line: Number(match[2]), column: Number(match[3]) }
  }
  return undefined
}

function linesOf(stack = ''): string[] {
  return stack.split('\n')
}

function isUsers(line: string): boolean {
  return FRAME.test(line) && !isOwn(line) && !/[\\/]node_modules[\\/]/.test(line)
}

function isOwn(line: string): boolean {
  return isOwnFile(fileOf(line))
}

/** Whether a file is this package's. */
export function isOwnFile(file: string): boolean {
  return ROOT !== '' && OWN.some((folder) => file.startsWith(folder))
}

function fileOf(line: string): string {
  const [, file = ''] = FRAME.exec(line) ?? []
  return file.startsWith('file://') ? decodeURIComponent(file.slice(7)) : file
}
