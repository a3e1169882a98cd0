import type { Collection } from './catalog.ts'
import type { Codec, Doc } from './raw.ts'

/** A collection as it was, and where its documents are kept. */
export interface Kept {
  readonly collection: Collection
  /** What its documents add up to, as `dbHash` says. */
  readonly hash: string
  /** The namespace of the copy. */
  readonly copy: string
}

/** A state that was copied. */
export class Still {
  readonly name: string
  /** By their namespaces. */
  readonly collections: ReadonlyMap<string, Kept>
  readonly views: ReadonlyMap<string, Doc>

  constructor(name: string, collections: ReadonlyMap<string, Kept>, views: ReadonlyMap<string, Doc>) {
    this.name = name
    this.collections = collections
    this.views = views
  }

  /** As bytes, so that whoever comes after a crash finds it. */
  toBytes(codec: Codec): Uint8Array {
    const collections = Array.from(
      this.collections.values(),
      ({ collection: { ns, uuid, options, indexes }, hash, copy }) =>
        new Map<string, unknown>(Object.entries({ ns, uuid, options, indexes: [...indexes.values()], hash, copy })),
    )
    const views = Array.from(this.views, ([ns, view]) => new Map<string, unknown>(Object.entries({ ns, view })))
    return codec.encode(new Map<string, unknown>(Object.entries({ name: this.name, collections, views })))
  }

  static fromBytes(codec: Codec, bytes: Uint8Array): Still {
    const read = codec.doc(bytes)
    const collections = (read.get('collections') as readonly Doc[]).map((it): [string, Kept] => {
      const [ns = '', uuid = '', hash = '', copy = ''] = ['ns', 'uuid', 'hash', 'copy'].map((key) =>
        String(it.get(key)),
      )
      const specs = it.get('indexes') as readonly Doc[]
      const indexes = new Map(specs.map((spec) => [String(spec.get('name')), spec]))
      return [ns, { collection: { ns, uuid, options: it.get('options') as Doc, indexes }, hash, copy }]
    })
    const views = (read.get('views') as readonly Doc[]).map((it): [string, Doc] => [
      String(it.get('ns')),
      it.get('view') as Doc,
    ])
    return new Still(String(read.get('name')), new Map(collections), new Map(views))
  }
}
