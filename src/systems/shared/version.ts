import { VenomError } from '../../errors.ts'

/** The version of a server. */
export interface Version {
  /** As the server said it. */
  readonly text: string
  readonly major: number
  readonly minor: number
}

/** Reads a version out of what a server calls itself. Throws `UNSUPPORTED`: what a server can do is never guessed. */
export function versionOf(text: string): Version {
  // MariaDB puts 5.5.5- before its own for the sake of old replicas.
  const [, major, minor = '0'] = /(\d+)(?:\.(\d+))?/.exec(text.replace(/^5\.5\.5-/, '')) ?? []
  if (major !== undefined) return { text, major: Number(major), minor: Number(minor) }
  throw new VenomError(
    'UNSUPPORTED',
    `The server calls itself "${text}", in which there is no version.\n` +
      'What it can do depends on its version, and is not guessed.\n' +
      'Have serverVersion() of the backend answer with digits, such as 15.2.',
  )
}

/** Whether a version is that one or a later one. */
export function isAtLeast({ major, minor }: Version, least: number, leastMinor = 0): boolean {
  return major > least || (major === least && minor >= leastMinor)
}
