import { answersOf, AS_TEXT } from '../control.ts'
import { type Content, readTables } from '../observe.ts'
import type { SharedConnection } from './connection.ts'

interface Read {
  readonly content: Content
  readonly moved: string
}

/** What the tables hold, reading only those again that the transaction wrote to since they were read. */
export class SharedObserved {
  readonly #read = new Map<string, Read>()
  readonly #atMark = new Map<number, ReadonlyMap<string, Read>>()

  async look(shared: SharedConnection): Promise<Record<string, Content>> {
    const tables = await shared.tables()
    const stale = tables.filter(({ shown, moved }) => moved === '' || this.#read.get(shown)?.moved !== moved)
    if (stale.length > 0) {
      const contents = await shared.aside(AS_TEXT, (client) => readTables((text) => answersOf(client, text), stale))
      for (const [i, { shown, moved }] of stale.entries()) this.#read.set(shown, { content: contents[i]!, moved })
    }
    return Object.fromEntries(tables.map(({ shown }) => [shown, this.#read.get(shown)!.content]))
  }

  marked(mark: number): void {
    this.#atMark.set(mark, new Map(this.#read))
  }

  /** What was read since then may be of a state that is undone, though as much was written. */
  rolledBack(mark: number): void {
    this.#read.clear()
    for (const [shown, read] of this.#atMark.get(mark) ?? []) this.#read.set(shown, read)
    this.released(mark + 1)
  }

  /** Nobody goes back to this mark or a later one. */
  released(mark: number): void {
    for (const known of this.#atMark.keys()) if (known >= mark) this.#atMark.delete(known)
  }

  forget(): void {
    this.#read.clear()
    this.#atMark.clear()
  }
}
