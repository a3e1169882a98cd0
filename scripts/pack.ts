// Packs the built package as npm would publish it, prints the tarball's path, and unpacks it to
// examples/node_modules/venomqa, so that every example runs on what a user gets.
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './command.ts'

const place = join(root, '.cache/pack')
mkdirSync(place, { recursive: true })
const args = ['pack', '--ignore-scripts', '--loglevel=error', '--pack-destination', place]
const name = execFileSync('npm', args, { cwd: root, encoding: 'utf8' }).trim()
const tarball = join(place, name)

const unpacked = join(root, 'examples/node_modules/venomqa')
rmSync(unpacked, { recursive: true, force: true })
mkdirSync(unpacked, { recursive: true })
execFileSync('tar', ['-xzf', tarball, '--strip-components=1', '-C', unpacked])
console.log(tarball)
