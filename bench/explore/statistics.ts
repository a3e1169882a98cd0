/** Runs `work` for one seed after the other. */
export async function inTurn<T>(seeds: readonly number[], work: (seed: number) => Promise<T>): Promise<T[]> {
  const all: T[] = []
  for (const seed of seeds) all.push(await work(seed))
  return all
}

export function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN
}

export function p90(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length * 0.9)] ?? Number.NaN
}

export function geometricMean(numbers: readonly number[]): number {
  return Math.exp(numbers.reduce((sum, number) => sum + Math.log(number), 0) / numbers.length)
}
