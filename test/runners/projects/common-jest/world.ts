import { appendFileSync } from 'node:fs'
import { memory } from 'venomqa/memory'
import { defineWorld } from 'venomqa/jest'

export const store = new Map<string, string>()

export const { journey, step, checkpoint, branch, test, useRollback } = defineWorld({
  systems: { db: memory(store) },
  context: () => ({ log: [] as string[] }),
})

/** Tells the test of the runner that something ran, whatever becomes of its state. */
export function trace(what: string): void {
  appendFileSync(process.env.TRACE!, `${what}\n`)
}

/** The body of a step that does `what`: it tells what had been done before, in the system and in the context. */
export function did(what: string) {
  return ({ db, ctx }: { db: Map<string, string>; ctx: { log: string[] } }): string => {
    const before = [...db.keys()].join(' ')
    trace(`${what} after ${before}${before === ctx.log.join(' ') ? '' : `, but the context had ${ctx.log}`}`)
    db.set(what, 'done')
    ctx.log.push(what)
    return what
  }
}
