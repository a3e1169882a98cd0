import { VenomError } from '../errors.ts'

/** A configuration that cannot be used: what is there, what that means, what to write instead. */
export function badConfig(what: string, means: string, fix: string, cause?: unknown): VenomError {
  return new VenomError('BAD_CONFIG', `${what}\n${means}\n${fix}`, cause === undefined ? {} : { cause })
}

/** Throws `BAD_CONFIG` for the first name in `given` that is not among `known`, with the one that was probably meant. */
export function onlyKnown(
  given: object,
  known: readonly string[],
  where: string,
  elsewhere: Readonly<Record<string, string>> = {},
): void {
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue
    const camel = camelCase(name)
    const meant = known.includes(camel) ? camel : nearest(name, known)
    throw badConfig(
      `${where} has no "${name}".`,
      'A misspelt name would do nothing, without a word.',
      elsewhere[camel] ??
        (meant === undefined
          ? `These are known: ${known.join(', ')}.`
          : `Did you mean ${meant}? Known: ${known.join(', ')}.`),
    )
  }
}

/** The one of `words` that `word` is probably a slip of: at most two letters wrong, and fewer in a short word. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  const [first] = words
    .map((other) => ({ other, slips: slips(word.toLowerCase(), other.toLowerCase()) }))
    .filter(({ other, slips }) => slips <= Math.min(2, Math.floor(other.length / 3)))
    .toSorted((a, b) => a.slips - b.slips)
  return first?.other
}

/** How many letters must be added, taken away or changed to get from `a` to `b` (Wagner and Fischer 1974). */
function slips(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (const [i, letter] of Array.from(a).entries()) {
    const next = [i + 1]
    for (const [j, other] of Array.from(b).entries()) {
      next.push(Math.min(row[j + 1]! + 1, next[j]! + 1, row[j]! + (letter === other ? 0 : 1)))
    }
    row = next
  }
  return row.at(-1)!
}

function camelCase(name: string): string {
  return name.toLowerCase() === name
    ? name.replaceAll(/[_-]+([a-z])/g, (_, letter: string) => letter.toUpperCase())
    : name
}
