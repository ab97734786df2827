export { openRedis, type RedisOptions, type RedisStore } from './open-redis.ts';
export type { RedisPersistence } from './persistence.ts';
