import request from 'supertest'
import { defineWorld } from 'venomqa/jest'
import { postgres } from 'venomqa/postgres'

const { APP_URL = '', APP_DATABASE = '' } = process.env

export const { journey, step, checkpoint, branch, test, explore, action } = defineWorld({
  systems: { db: postgres(APP_DATABASE) },
  api: () => request(APP_URL),
})
