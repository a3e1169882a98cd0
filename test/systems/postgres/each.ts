/** The servers that npm test starts, and 14, 16 and 17 when their variables say where they are (`npm run services -- up postgres14`). */
export const postgresServers: readonly string[] = [
  'postgres',
  'postgres18',
  ...['postgres14', 'postgres16', 'postgres17'].filter(
    (name) => process.env[`VENOMQA_TEST_${name.toUpperCase()}_URL`] !== undefined,
  ),
]
