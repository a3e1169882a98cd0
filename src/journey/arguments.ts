import { at } from '../stack.ts'
import { badName, badOption, unknownOption } from './mistakes.ts'
import type { BranchOptions } from './tree.ts'

/** What each option must be, in words, and whether something is that. */
const OPTIONS: Readonly<Record<keyof BranchOptions, readonly [must: string, is: (given: unknown) => boolean]>> = {
  timeout: ['a number of milliseconds', (given) => typeof given === 'number' && given >= 0],
  retry: ['a whole number', (given) => Number.isInteger(given) && (given as number) >= 0],
  from: ['the name of a checkpoint', (given) => typeof given === 'string'],
}

/** Throws `BAD_ARGUMENT` unless `name` can name something. */
export function checkName(what: string, name: unknown, site: Error): void {
  if (typeof name !== 'string' || name.trim() === '') throw at(site, badName(what, name))
}

/** Throws `BAD_ARGUMENT` unless `options` are options of `what`. */
export function checkOptions(what: 'journey' | 'branch' | 'step', name: string, options: object, site: Error): void {
  const known = (Object.keys(OPTIONS) as (keyof BranchOptions)[]).filter((one) => one !== 'from' || what === 'branch')
  for (const [given, value] of Object.entries(options)) {
    const option = known.find((one) => one === given)
    if (!option) throw at(site, unknownOption(what, name, given, known))
    const [must, is] = OPTIONS[option]
    if (value !== undefined && !is(value)) throw at(site, badOption(what, name, option, value, must))
  }
}
