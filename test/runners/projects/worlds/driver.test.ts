import { defineWorld } from 'venomqa/vitest'

// As a system does whose driver is not installed.
const open = async (): Promise<void> => {
  await import('a-driver-that-nobody-installed' as string).catch((cause: unknown) => {
    throw Object.assign(new Error('shop: the driver "a-driver" is not installed.\nnpm install -D a-driver', { cause }), {
      name: 'VenomError',
      code: 'DRIVER_MISSING',
    })
  })
}
const { journey, step } = defineWorld({ systems: { db: { open, checkpoint: () => 0, rollback: () => {} } } })

journey('no driver', () => void step('a step', () => {}))
