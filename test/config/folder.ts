import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** A project's folder with these files, for one test. */
export class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'venomqa-config-test-'))

  constructor(files: Readonly<Record<string, string | object>> = {}) {
    for (const [name, content] of Object.entries(files)) this.write(name, content)
  }

  write(name: string, content: string | object): string {
    const file = join(this.path, name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
    return file
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}
