import { VenomError } from '../../errors.ts'

/** The error for a port that a double cannot listen on. */
export function portTaken(double: string, port: number, cause: unknown): VenomError {
  return new VenomError(
    'LOCKED',
    `${double}: port ${port} of 127.0.0.1 cannot be listened on (${(cause as { code?: string }).code ?? 'unknown'}).\n` +
      'Another program listens there, or another worker of this run.\n' +
      "Let it take any free one (0), and give the application the world's url() of it.",
    { cause },
  )
}
