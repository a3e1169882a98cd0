import { part } from './http.ts'
import { clone } from './make.ts'
import { type Bases, isSameIndex, type Mark } from './marks.ts'
import type { Server } from './server.ts'

/** Clones of indices at marks: hard links on the server's disk, by which also a deleted index comes back. */
export class Copies {
  readonly #server: Server
  readonly #prefix: string
  readonly #bases: Bases
  #made = 0

  constructor(server: Server, prefix: string, bases: Bases) {
    this.#server = server
    this.#prefix = prefix
    this.#bases = bases
  }

  /** Clones the indices of a mark that are not as at another one. An index takes no writes while it is cloned. */
  async keep(mark: Mark, like: Mark | undefined): Promise<void> {
    const { http } = this.#server
    for (const [name, index] of mark.shape.indices) {
      const mine = [...mark.bases].filter(([, base]) => base.index === name)
      const known = like?.copies.get(name)
      if (known !== undefined && isSameIndex(name, mark, like)) {
        mark.copies.set(name, known)
        continue
      }
      // A closed index cannot be cloned; it cannot change either.
      if (mine.some(([, { pit }]) => pit === undefined)) continue
      const to = `${this.#prefix}copy-${(this.#made += 1)}`
      await clone(this.#server, name, to, { 'index.number_of_replicas': 0, 'index.hidden': true })
      const blocked = index.settings['index.blocks.write'] ?? null
      await http.ask('PUT', `/${part(name)}/_settings`, { 'index.blocks.write': blocked })
      mark.copies.set(name, to)
    }
  }

  /** Deletes the clones that no mark needs. */
  async drop(marks: readonly Mark[]): Promise<void> {
    for (const name of this.#bases.unneeded(marks)) await this.#server.http.ask('DELETE', `/${part(name)}`)
  }
}
