import { catalogue } from './catalogue.ts'

const {
  POSTGRES_URL = 'postgres://localhost/catalogue',
  ELASTICSEARCH_URL = 'http://localhost:9200',
  PRODUCTS_INDEX = 'products',
  PORT = '3000',
} = process.env
const app = await catalogue(POSTGRES_URL, ELASTICSEARCH_URL, PRODUCTS_INDEX)
console.log(await app.listen({ port: Number(PORT), host: '127.0.0.1' }))
