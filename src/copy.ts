import { types } from 'node:util'

/**
 * A deep copy of plain data: primitives, arrays, plain objects, Map, Set, Date, RegExp, Buffer and typed arrays, cycles included.
 *
 * Anything else (a class instance, a function, an open connection) cannot be copied without knowing what it is, so
 * `other` decides: it gets the thing and where it lies, such as `cart.items[0].client`. Without it the copy shares it. `structuredClone` is not
 * used because it turns class instances and Buffers into other things without a word.
 */
export function copy<T>(value: T, other: (thing: object, at: string) => unknown = (thing) => thing): T {
  const seen = new Map<object, unknown>()
  const walk = (thing: unknown, at: string): unknown => {
    if (typeof thing === 'function') return other(thing, at)
    if (typeof thing !== 'object' || thing === null) return thing
    if (seen.has(thing)) return seen.get(thing)
    const keep = <C extends object>(made: C): C => {
      seen.set(thing, made)
      return made
    }
    if (Array.isArray(thing) && isBuiltIn(thing)) {
      const array = keep<unknown[]>([])
      array.length = thing.length // Holes stay holes.
      for (const i of thing.keys()) if (i in thing) array[i] = walk(thing[i], `${at}[${i}]`)
      return array
    }
    if (isPlain(thing)) {
      const object = keep(Object.create(Object.getPrototypeOf(thing)) as Record<PropertyKey, unknown>)
      for (const key of Reflect.ownKeys(thing)) {
        define(object, key, walk((thing as Record<PropertyKey, unknown>)[key], `${at}.${String(key)}`))
      }
      return object
    }
    if (isBuiltIn(thing)) {
      if (types.isMap(thing)) {
        const map = keep(new Map<unknown, unknown>())
        for (const [k, v] of thing) map.set(walk(k, `${at} key`), walk(v, `${at}.get(${String(k)})`))
        return map
      }
      if (types.isSet(thing)) {
        const set = keep(new Set<unknown>())
        for (const v of thing) set.add(walk(v, `${at} entry`))
        return set
      }
      if (types.isDate(thing)) return keep(new Date(thing.getTime()))
      if (types.isRegExp(thing)) return keep(new RegExp(thing))
    }
    if (Buffer.isBuffer(thing)) return keep(Buffer.from(thing))
    if (types.isTypedArray(thing)) return keep(thing.slice())
    if (types.isAnyArrayBuffer(thing)) return keep(thing.slice(0))
    if (types.isDataView(thing))
      return keep(new DataView(thing.buffer.slice(thing.byteOffset, thing.byteOffset + thing.byteLength)))
    return keep(other(thing, at) as object)
  }
  return walk(value, '') as T
}

/** The name of a thing's class, for messages. */
export function className(thing: object): string {
  if (typeof thing === 'function') return 'a function'
  if (!Object.hasOwn((Object.getPrototypeOf(thing) as object | null) ?? {}, 'constructor'))
    return 'an object with a prototype of its own'
  return `an instance of ${(thing.constructor as { name?: string } | undefined)?.name || 'an unnamed class'}`
}

/** An object literal. */
function isPlain(thing: object): boolean {
  const prototype = Object.getPrototypeOf(thing) as object | null
  return prototype === null || isObjectPrototype(prototype)
}

/** An instance of a class right below Object, so not of a subclass: Array and not Rows, Map and not Registry. */
function isBuiltIn(thing: object): boolean {
  const prototype = Object.getPrototypeOf(thing) as object | null
  const above = prototype && (Object.getPrototypeOf(prototype) as object | null)
  return above !== null && isObjectPrototype(above)
}

/** `Object.prototype` of this realm or another: test runners run files in contexts of their own. */
function isObjectPrototype(prototype: object): boolean {
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf')
}

/** Not an assignment: a key `__proto__` from parsed JSON must stay a key. */
function define(object: Record<PropertyKey, unknown>, key: PropertyKey, value: unknown): void {
  Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
}
