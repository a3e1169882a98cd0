import { defineConfig } from 'venomqa/config'

export default defineConfig({
  baseUrl: 'http://localhost:${SHOP_PORT:-3000}',
  systems: { db: 'file:shop_test.db', notes: { url: 'notes:shelf', backend: 'notes' } },
  timeout: '400ms',
})
