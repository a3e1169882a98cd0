/** Jest runs it in the process, and with the globals, of start-app.ts. */
export default async function teardown(): Promise<void> {
  await (globalThis as typeof globalThis & { stopApp?: () => Promise<void> }).stopApp?.()
}
