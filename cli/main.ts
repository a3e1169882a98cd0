#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { styleText } from 'node:util'
import { Command } from 'commander'
import { loadConfig } from '../src/config/load.ts'
import { systemFromConfig, systemNames } from '../src/config/systems.ts'
import { messageOf, VenomError } from '../src/errors.ts'
import type { Rollbackable } from '../src/rollbackable.ts'
import type { SafetyOptions } from '../src/safety.ts'
import { examine, type Finding } from './doctor.ts'
import { markDatabase, systemAt } from './place.ts'

const { version } = JSON.parse(readFileSync(new URL(import.meta.resolve('venomqa/package.json')), 'utf8')) as {
  version: string
}

const program = new Command('venomqa')
  .description('Looks after the databases that tests roll back.')
  .version(version)
  .showHelpAfterError()

program
  .command('doctor')
  .description('Proves that databases can be rolled back from here: by which way, what is missing, and what it costs.')
  .argument(
    '[place...]',
    'postgres://…, mysql://…, redis://…, mongodb://…, http://… or the path of a SQLite file; none: those of the configuration',
  )
  .option('--allow-database <name>', 'the exact name of a test database whose name does not say so')
  .option('--allow-host <host...>', 'exact names of hosts that are not this machine')
  .action(async (places: string[], { allowDatabase, allowHost }: { allowDatabase?: string; allowHost?: string[] }) => {
    const options = { ...(allowDatabase && { allowDatabase }), ...(allowHost && { allowHosts: allowHost }) }
    const examined = places.length > 0 ? places.map((place) => atPlace(place, options)) : await inConfiguration(options)
    for (const one of examined) {
      try {
        const { title, system } = await one()
        console.log(styleText('bold', title))
        show(await examine(system))
      } catch (error) {
        failed(error)
      }
    }
  })

program
  .command('mark')
  .description('Marks a database as one for tests, so that its name need not say so. Nothing else is written.')
  .argument('<url>', 'postgres://…, mysql://… or redis://…')
  .action(async (url: string) => {
    try {
      console.log(`${styleText('green', '✓')} ${await markDatabase(url)}`)
    } catch (error) {
      process.exitCode = 1
      console.error(messageOf(error))
    }
  })

await program.parseAsync()

/** Something to examine, made when its turn comes. */
type Examined = () => Promise<{ readonly title: string; readonly system: Rollbackable }>

function atPlace(place: string, options: SafetyOptions): Examined {
  return async () => {
    const { kind, open } = systemAt(place)
    return { title: kind, system: await open(options) }
  }
}

async function inConfiguration(options: SafetyOptions): Promise<Examined[]> {
  try {
    const config = await loadConfig()
    const names = systemNames(config)
    if (Object.keys(options).length > 0) throw vouchThere(config.file)
    console.log(styleText('dim', `The systems of ${config.file ?? 'the environment'}`))
    return names.map((name) => async () => {
      const { kind, system } = await systemFromConfig(config, name)
      return { title: `${name} (${kind})`, system }
    })
  } catch (error) {
    failed(error)
    return []
  }
}

function vouchThere(file: string | undefined): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    'Without a place on the command line, nothing is vouched for there.\n' +
      'A test run reads the configuration, and would still refuse the database.\n' +
      `Write allowDatabase or allowHosts into systems.NAME.options in ${file ?? 'venomqa.config.ts'}.`,
  )
}

function failed(error: unknown): void {
  process.exitCode = 1
  console.log(`  ${styleText('red', '✗')} ${messageOf(error).replaceAll('\n', '\n    ')}`)
}

function show(findings: readonly Finding[]): void {
  const width = Math.max(...findings.map(({ what }) => what.length))
  for (const { what, text } of findings) console.log(`  ${styleText('dim', what.padEnd(width))}  ${text}`)
}
