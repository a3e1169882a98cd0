import { inspect } from 'node:util'
import { badConfig } from './refusal.ts'

/** Reads one value, or throws `BAD_CONFIG`. `where` names it: a variable, or a key of the file. */
export type Read<T> = (given: unknown, where: string) => T

/** Above this a bare number was surely meant as milliseconds. */
const MOST_SECONDS = 600
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 }

/** A text that is not empty. It may be a secret, so it is never shown. */
export const text: Read<string> = (given, where) => {
  if (typeof given === 'string' && given.trim() !== '') return given
  throw badConfig(
    `${where} is ${given === '' ? 'empty' : `a ${typeof given}`}, and must be text.`,
    'It names a place or a backend.',
    `Give ${where} a value, or leave it out.`,
  )
}

/** A time in ms, from seconds or a text with its unit. */
export const duration: Read<number> = (given, where) => {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*(ms|s|m)?$/.exec(String(given).trim()) ?? []
  const time = Number(number) * UNITS[unit ?? 's']!
  if (time > 0 && (unit !== undefined || Number(number) <= MOST_SECONDS)) return time
  throw badConfig(
    `${where} is ${inspect(given)}, and must be seconds, or a time with its unit.`,
    time > 0
      ? `As seconds it would be ${Math.round(time / 60_000)} minutes.`
      : 'A step would have no time at all, or for ever.',
    "Write it as 30 (seconds), '30s', '500ms' or '2m'.",
  )
}

/** A whole number from 1 on. */
export const count: Read<number> = (given, where) => {
  const number = typeof given === 'string' ? Number(given) : given
  if (typeof number === 'number' && Number.isInteger(number) && number >= 1) return number
  throw badConfig(
    `${where} is ${inspect(given)}, and must be a whole number from 1 on.`,
    'It says how many workers there may be.',
    'Write 1, or as many as the runner starts.',
  )
}

/** Yes or no. */
export const flag: Read<boolean> = (given, where) => {
  if (typeof given === 'boolean') return given
  if (given === 'true' || given === '1') return true
  if (given === 'false' || given === '0') return false
  throw badConfig(
    `${where} is ${inspect(given)}, and must be true or false.`,
    'What is neither could mean either.',
    'Write true or false; 1 and 0 in the environment.',
  )
}

/** An object of named values. */
export const fields: Read<Readonly<Record<string, unknown>>> = (given, where) => {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) {
    return given as Readonly<Record<string, unknown>>
  }
  throw badConfig(
    `${where} is ${Array.isArray(given) ? 'a list' : `a ${typeof given}`}, and must be an object.`,
    'Everything in a configuration has a name.',
    'Write { name: value, … }.',
  )
}
