import { inspect } from 'node:util'
import { VenomError } from '../errors.ts'
import type { Line } from './tree.ts'

export function outsideJourney(what: string, name: string): VenomError {
  return new VenomError(
    'OUTSIDE_JOURNEY',
    `${what}("${name}") stands outside a journey.\n` +
      'A journey collects its parts while its body runs: at the top of a file, in a test or after an await there is none, and the body of another world is none of its own.\n' +
      `Move it into a body: journey('…', () => { ${what}('${name}'${what === 'checkpoint' ? '' : ', …'}) }).`,
  )
}

export function nestedJourney(name: string, line: Line): VenomError {
  return new VenomError(
    'NESTED_JOURNEY',
    `journey("${name}") stands inside ${line.what} "${line.names.at(-1)}".\n` +
      'A journey starts from the start of the world, so it cannot be part of another.\n' +
      `Write branch('${name}', …) if it goes on from here, or move the journey out.`,
  )
}

export function asyncBody(line: Line): VenomError {
  const name = line.names.at(-1)
  return new VenomError(
    'ASYNC_BODY',
    `The body of ${line.what} "${name}" is asynchronous.\n` +
      'A body only says which steps there are; what it does after an await would be lost.\n' +
      `Take the async away from the body of ${line.what} "${name}", and await inside its steps.`,
  )
}

export function duplicate(what: string, name: string, line: Line): VenomError {
  return new VenomError(
    'DUPLICATE_NAME',
    `There are two ${what === 'branch' ? 'branches' : `${what}s`} "${name}" in ${line.what} "${line.names.at(-1)}".\n` +
      'Reports, filters and snapshots could not tell them apart.\n' +
      `Give one another name; in .each put the case into it: '${name} %#'.`,
  )
}

export function mainLineTaken(line: Line): VenomError {
  return new VenomError(
    'DUPLICATE_NAME',
    `A branch of ${line.what} "${line.names.at(-1)}" is called "main line", and so is the path of the steps after its branches.\n` +
      'Reports, filters and snapshots could not tell them apart.\n' +
      'Give the branch another name.',
  )
}

export function unknownCheckpoint(name: string, from: string, checkpoints: readonly string[]): VenomError {
  const known = checkpoints.map((checkpoint) => `'${checkpoint}'`).join(', ')
  return new VenomError(
    'UNKNOWN_CHECKPOINT',
    `branch("${name}") starts from "${from}", and there is no checkpoint of that name before it on its line.\n` +
      `${known ? `The checkpoints there are: ${known}.` : 'There is no checkpoint before it at all.'}\n` +
      `${known ? 'Use one of these' : `Write checkpoint('${from}') where the branch shall start`}, or leave from away to start from the last one.`,
  )
}

export function ambiguousBranch(name: string, steps: readonly string[], last: string | undefined): VenomError {
  const between = steps.map((step) => `"${step}"`).join(', ')
  return new VenomError(
    'AMBIGUOUS_BRANCH',
    `branch("${name}") comes after step ${between}, and ${last ? `the last checkpoint, "${last}", lies before that` : 'there is no checkpoint yet'}.\n` +
      'So it is not clear whether the branch shall start before or after what that step did.\n' +
      `To start after it, write checkpoint('…') just above the branch${last ? `; to start before it, branch('${name}', { from: '${last}' }, …)` : ''}.`,
  )
}

export function empty(line: Line): VenomError {
  return new VenomError(
    'EMPTY_JOURNEY',
    `${line.what} "${line.names.at(-1)}" has no steps.\n` +
      'It would pass without having done anything.\n' +
      `Write a step into it, or ${line.what}.todo('${line.names.at(-1)}').`,
  )
}

export function badName(what: string, name: unknown): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    `${what}() was called with ${typeof name === 'string' ? 'an empty name' : `a ${typeof name} as its name`}.\n` +
      'The name is how reports and filters call it.\n' +
      `Write ${what}('…'${what === 'checkpoint' ? '' : ', …'}).`,
  )
}

export function noBody(what: string, name: string): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    `${what}("${name}") has no function to run.\n` +
      'It takes a name and a function, with options between them or after them.\n' +
      `Write ${what}('${name}', ${what === 'step' ? 'async ({ api }) => { … }' : '() => { … }'}), or ${what}.todo('${name}').`,
  )
}

export function noCases(what: string): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    `${what}.each() takes an array of cases.\n` +
      'Each case becomes one ' +
      `${what}.\n` +
      `Write ${what}.each([1, 2])('case %d', …).`,
  )
}

export function unknownOption(what: string, name: string, option: string, known: readonly string[]): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    `${what}("${name}") has no option "${option}".\n` +
      'A misspelt option would do nothing, without a word.\n' +
      `These are the options: ${known.join(', ')}.`,
  )
}

export function badOption(what: string, name: string, option: string, value: unknown, must: string): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    `${option} of ${what}("${name}") is ${inspect(value, { depth: 1 })}, and must be ${must}.\n` +
      'What it would mean otherwise cannot be guessed.\n' +
      `Give ${must}, or leave ${option} out.`,
  )
}
