// Run by test/kit.test.ts under `node --test`: the kit binds to no runner.
import { test } from 'node:test'
import { conformance } from '../../src/kit/index.ts'
import { broken } from './broken.ts'
import { toySubject, toySystem } from './toy.ts'

const fault = process.env['FAULT']
conformance(test, () => toySubject(fault ? broken[fault]!.make : (toy) => toySystem(toy)), { runs: 5 })
