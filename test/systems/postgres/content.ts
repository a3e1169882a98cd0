import type pg from 'pg'

/** What is in a database: for each table its rows as sorted text, for each sequence where it is. */
export type Content = ReadonlyMap<string, string>

/** Reads the content of a database, one statement for all, so that nothing can change meanwhile. */
export class Reader {
  readonly #query: (text: string) => Promise<pg.QueryResult>
  #text: string | undefined

  constructor(query: (text: string) => Promise<pg.QueryResult>) {
    this.#query = query
  }

  async content(): Promise<Content> {
    this.#text ??= await this.#statement()
    const { rows } = await this.#query(this.#text)
    return new Map(rows.map(({ name, content }) => [name, content]))
  }

  /** To be called when tables came or went. */
  forget(): void {
    this.#text = undefined
  }

  async #statement(): Promise<string> {
    const { rows } = await this.#query(`
      select format('%I.%I', nspname, relname) as name, relkind from pg_class c join pg_namespace s on s.oid = relnamespace
      where relkind in ('r', 'S') and nspname !~ '^pg_' and nspname not in ('information_schema', 'venomqa') order by 1`)
    return rows
      .map(({ name, relkind }) =>
        relkind === 'S'
          ? `select '${name.replaceAll("'", "''")}' as name, last_value || ' ' || is_called as content from ${name}`
          : `select '${name.replaceAll("'", "''")}' as name, coalesce(string_agg(("zz$".*)::text, e'\\n' order by ("zz$".*)::text collate "C"), '') as content from only ${name} as "zz$"`,
      )
      .join(' union all ')
  }
}

/** The names whose content differs. */
export function differences(one: Content, other: Content): string[] {
  return [...new Set([...one.keys(), ...other.keys()])].filter((name) => one.get(name) !== other.get(name))
}
