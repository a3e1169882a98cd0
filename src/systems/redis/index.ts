export { redis, type RedisMark, type RedisOptions, type RedisSystem } from './redis.ts'
