/** A place in the user's code. */
export interface Place {
  readonly line: number
  readonly column: number
}

const FRAME = /^\s+at .*?\(?((?:file:\/\/)?(?:\/|[A-Za-z]:[\\/])[^()]*?):(\d+):(\d+)\)?$/

// Where this package lies, read off a frame of its own: `import.meta` does not exist in the CommonJS build.
const ROOT = fileOf(new Error('here').stack?.split('\n')[1] ?? '').replace(/src[\\/]stack\.[cm]?[jt]s.*$/, '')
const OWN = ['src', 'vitest-plugin', 'jest-preset'].map((folder) => ROOT + folder)

/** Takes this package's frames out of `error.stack`, so that runners point at the user's line. Anything thrown may come. */
export function hideOwnFrames<T>(error: T): T {
  if (!(error instanceof Error) || typeof error.stack !== 'string') return error
  try {
    error.stack = error.stack
      .split('\n')
      .filter((line) => !isOwn(line))
      .join('\n')
  } catch {
    // A frozen error keeps its frames: they are only noise.
  }
  return error
}

/** Makes `error` look as if it was thrown where `site` was made, by the user's frame. */
export function at<E extends Error>(site: Error, error: E): E {
  const frames = (site.stack ?? '').split('\n').filter((line) => FRAME.test(line) && !isOwn(line))
  error.stack = [`${error.name}: ${error.message}`, ...frames].join('\n')
  return error
}

/** The first place of `site` in `file`. */
export function placeIn(file: string, site: Error): Place | undefined {
  for (const line of (site.stack ?? '').split('\n')) {
    const match = FRAME.exec(line)
    if (match && fileOf(line) === file) return { line: Number(match[2]), column: Number(match[3]) }
  }
  return undefined
}

function isOwn(line: string): boolean {
  const file = fileOf(line)
  return ROOT !== '' && OWN.some((folder) => file.startsWith(folder))
}

function fileOf(line: string): string {
  const [, file = ''] = FRAME.exec(line) ?? []
  return file.startsWith('file://') ? decodeURIComponent(file.slice(7)) : file
}
