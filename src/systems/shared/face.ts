import { EventEmitter } from 'node:events'

/** Runs one thing after the other, in the order they were asked for, whether the one before failed or not. */
export function inOrder(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const done = last.then(work)
    last = done.catch(() => undefined)
    return done
  }
}

/** All of the real connection, but for the members in `own`, and for its listeners, which are those of `events`. */
export function faceOf<C extends object>(
  real: C,
  own: Readonly<Record<PropertyKey, unknown>>,
  events: EventEmitter,
): C {
  return new Proxy(real, {
    get(target, name) {
      if (Object.hasOwn(own, name)) return own[name]
      const source: object = name in EventEmitter.prototype ? events : target
      const value: unknown = Reflect.get(source, name)
      return typeof value === 'function' ? value.bind(source) : value
    },
  })
}

/** Hides members of a pool behind others, and answers with how to show them again: own properties hide those of the class. */
export function cover(pool: object, members: object): () => void {
  Object.assign(pool, members)
  return () => {
    for (const name of Object.keys(members)) Reflect.deleteProperty(pool, name)
  }
}
