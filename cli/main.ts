#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { styleText } from 'node:util'
import { Command } from 'commander'
import { messageOf } from '../src/errors.ts'
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
  .argument('<place...>', 'postgres://…, mysql://…, redis://…, mongodb://… or the path of a SQLite file')
  .option('--allow-database <name>', 'the exact name of a test database whose name does not say so')
  .option('--allow-host <host...>', 'exact names of hosts that are not this machine')
  .action(async (places: string[], { allowDatabase, allowHost }: { allowDatabase?: string; allowHost?: string[] }) => {
    const options = { ...(allowDatabase && { allowDatabase }), ...(allowHost && { allowHosts: allowHost }) }
    for (const place of places) {
      try {
        const { kind, open } = systemAt(place)
        console.log(styleText('bold', kind))
        show(await examine(await open(options)))
      } catch (error) {
        process.exitCode = 1
        console.log(`  ${styleText('red', '✗')} ${messageOf(error).replaceAll('\n', '\n    ')}`)
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

function show(findings: readonly Finding[]): void {
  const width = Math.max(...findings.map(({ what }) => what.length))
  for (const { what, text } of findings) console.log(`  ${styleText('dim', what.padEnd(width))}  ${text}`)
}
