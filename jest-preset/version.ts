import { VenomError } from '../src/errors.ts'

/** Throws `UNSUPPORTED` for the `jest` of a Jest below 30, told by what it lacks: no Jest says its version to tests. */
export function needsJest30(jest: object): void {
  if ('onGenerateMock' in jest) return
  throw new VenomError(
    'UNSUPPORTED',
    'venomqa needs Jest 30, and this one is older.\n' +
      'It says too little of its tests while they run, so what hooks write would stay behind without a word.\n' +
      'npm install -D jest@30 @jest/globals@30',
  )
}
