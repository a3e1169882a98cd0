// Node strips types, but decorators are not JavaScript yet: swc compiles what Node loads.
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { transformSync } from '@swc/core'

const parser = { syntax: 'typescript', decorators: true } as const
const transform = { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false }

registerHooks({
  load(url, context, next) {
    if (!url.endsWith('.ts')) return next(url, context)
    const source = readFileSync(fileURLToPath(url), 'utf8')
    const { code } = transformSync(source, { sourceMaps: 'inline', jsc: { target: 'es2023', parser, transform } })
    return { format: 'module', source: code, shortCircuit: true }
  },
})
