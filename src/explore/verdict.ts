import { messageOf, VenomError } from '../errors.ts'
import type { Awaitable } from '../rollbackable.ts'

/** Runs a check of the user. Returns why it does not hold; `undefined` when it does. */
export async function whyNot(
  name: string,
  check: () => Awaitable<unknown>,
  message?: string,
): Promise<string | undefined> {
  let answer: unknown
  try {
    answer = await check()
  } catch (thrown) {
    return messageOf(thrown)
  }
  if (answer === true || answer === undefined || isAssertion(answer)) return undefined
  if (answer === false) return message ?? `${name} does not hold`
  if (typeof answer === 'string') return answer
  throw new VenomError(
    'BAD_ARGUMENT',
    `"${name}" answered ${typeof answer === 'object' ? 'an object' : String(answer)}, which says neither yes nor no.\n` +
      'A forgotten comparison would pass every state.\n' +
      'Answer true or nothing when it holds, false or a sentence when it does not; or throw.',
  )
}

/** What Chai and Vitest's `expect` answer when it holds, and a short arrow function hands on. */
function isAssertion(answer: unknown): boolean {
  return typeof answer === 'object' && answer !== null && '__flags' in answer
}

/** The HTTP status of what an action returned, if it is a response. */
export function statusOf(result: unknown): number | undefined {
  if (typeof result !== 'object' || result === null) return undefined
  const { status, statusCode } = result as { status?: unknown; statusCode?: unknown }
  const code = status ?? statusCode
  return typeof code === 'number' && code >= 100 && code < 600 ? code : undefined
}
