import { BaseStateManager } from 'venomqa/kit'

/** A backend of the user's own, registered in package.json. */
export class NotesManager extends BaseStateManager<readonly string[]> {
  notes: string[] = []

  protected open() {}

  protected close() {}

  protected take() {
    return [...this.notes]
  }

  protected putBack(mark: readonly string[]) {
    this.notes = [...mark]
  }

  protected empty() {
    this.notes = []
  }
}
