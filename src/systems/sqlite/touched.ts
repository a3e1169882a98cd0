import type { Cell, Trees } from './btree.ts'
import type { Catalogue, Entry } from './catalogue.ts'

interface Sides {
  readonly past: Set<number>
  readonly now: Set<number>
}

/** Finds the rows that may differ between two moments: those in the pages that differ, in whichever trees those are. */
export class Touched {
  readonly #past: Catalogue
  readonly #now: Catalogue
  readonly #between: ReadonlySet<number>
  readonly #pages = new Map<string, Sides>()
  readonly #cells = new Map<string, readonly [past: Cell[], now: Cell[]]>()

  constructor(past: Catalogue, now: Catalogue, between: ReadonlySet<number>) {
    this.#past = past
    this.#now = now
    this.#between = between
    for (const name of new Set([...past.tables, ...now.tables].map((table) => table.name))) {
      this.#pages.set(name, this.#walk(past.entries.get(`table ${name}`), now.entries.get(`table ${name}`)))
    }
    this.#addOwnersOfOverflow()
  }

  /** The rows of a table in the pages that differ, as they were and as they are. */
  cells(name: string): readonly [past: Cell[], now: Cell[]] {
    let cells = this.#cells.get(name)
    if (!cells) {
      const { past, now } = this.#pages.get(name) ?? { past: [], now: [] }
      cells = [cellsIn(this.#past.trees, past), cellsIn(this.#now.trees, now)]
      this.#cells.set(name, cells)
    }
    return cells
  }

  /**
   * A page that is the same and in both trees has the same pages below it. What is in one tree only differs as a whole.
   * So no leaf is read here, and of the inner pages that are the same only one.
   */
  #walk(before: Entry | undefined, after: Entry | undefined): Sides {
    const sides: Sides = { past: new Set(), now: new Set() }
    const [past, now] = [this.#past.trees, this.#now.trees]
    const only = (side: keyof Sides, trees: Trees, page: number, depth: number): void => {
      sides[side].add(page)
      if (depth > 0) for (const child of trees.children(page)) only(side, trees, child, depth - 1)
    }
    const both = (page: number, depth: number): void => {
      if (!this.#between.has(page)) {
        if (depth > 0) for (const child of now.children(page)) both(child, depth - 1)
        return
      }
      sides.past.add(page)
      sides.now.add(page)
      if (depth === 0) return
      const [was, is] = [new Set(past.children(page)), new Set(now.children(page))]
      for (const child of was) if (!is.has(child)) only('past', past, child, depth - 1)
      for (const child of is) {
        if (was.has(child)) both(child, depth - 1)
        else only('now', now, child, depth - 1)
      }
    }
    const isSameRoot = before !== undefined && before.root === after?.root
    if (isSameRoot) {
      const depth = now.depth(before.root)
      // The root is rewritten when a tree gets a level more or less.
      if (!this.#between.has(before.root) || depth === past.depth(before.root)) {
        both(before.root, depth)
        return sides
      }
    }
    if (before) only('past', past, before.root, past.depth(before.root))
    if (after) only('now', now, after.root, now.depth(after.root))
    return sides
  }

  /**
   * A row longer than a page goes on in overflow pages, and when only that part changes to one of the same length, the
   * page where the row begins stays as it is. Then there are overflow pages that differ and belong to no row found so
   * far, and all rows are looked through for their owners.
   */
  #addOwnersOfOverflow(): void {
    const orphans = this.#overflowPages()
    const forget = (pages: Iterable<number>): void => {
      for (const page of pages) orphans.delete(page)
    }
    const forgetCells = (cells: readonly Cell[]): void => {
      for (const { overflow } of cells) forget(overflow)
    }
    if (orphans.size > 0)
      for (const name of this.#pages.keys()) for (const cells of this.cells(name)) forgetCells(cells)
    if (orphans.size > 0) for (const { trees } of [this.#past, this.#now]) forget(trees.free())
    if (orphans.size > 0) {
      for (const [key, entry] of new Map([...this.#past.entries, ...this.#now.entries])) {
        if (entry.type !== 'index' || entry.root === 0) continue
        const { past, now } = this.#walk(this.#past.entries.get(key), this.#now.entries.get(key))
        forgetCells(cellsIn(this.#past.trees, past))
        forgetCells(cellsIn(this.#now.trees, now))
      }
    }
    if (orphans.size === 0) return
    this.#cells.clear()
    for (const { name, root } of this.#now.tables) {
      for (const page of pagesOf(this.#now.trees, root)) {
        if (!this.#now.trees.cells(page).some(({ overflow }) => overflow.some((one) => orphans.has(one)))) continue
        this.#pages.get(name)?.now.add(page)
        this.#pages.get(name)?.past.add(page)
      }
    }
  }

  /** Pages that differ and look like overflow at both moments: they begin with the number of another page, which is below 2^24. */
  #overflowPages(): Set<number> {
    const [past, now] = [this.#past.trees.pages, this.#now.trees.pages]
    const count = Math.min(past.count, now.count)
    const looksSo = (page: number): boolean => past.page(page)[0] === 0 && now.page(page)[0] === 0
    return new Set([...this.#between].filter((page) => page > 1 && page <= count && looksSo(page)))
  }
}

function cellsIn(trees: Trees, pages: Iterable<number>): Cell[] {
  return [...pages].flatMap((page) => trees.cells(page))
}

function* pagesOf(trees: Trees, root: number): Iterable<number> {
  yield root
  for (const child of trees.children(root)) yield* pagesOf(trees, child)
}
