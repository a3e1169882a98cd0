/** What the three ways to move cost here, in ms: averages of what they took, the newest counting most. */
export class Prices {
  action = 1
  rollback = 1
  checkpoint = 1

  /** Does `work` and learns from how long it took. */
  async paid<T>(what: 'action' | 'rollback' | 'checkpoint', work: () => Promise<T>): Promise<T> {
    const started = performance.now()
    const result = await work()
    this[what] += 0.2 * (performance.now() - started - this[what])
    return result
  }
}
