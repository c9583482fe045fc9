// What test suites import: servers of their own, found or fetched on any machine, gone when the suite is over.
import { startRedis, type RedisServer } from './redis-process.js';

export { startRedis, type RedisServer, type StartRedisOptions } from './redis-process.js';
export { startCluster, type RedisCluster, type StartClusterOptions } from './redis-cluster.js';
export { startSentinel, type RedisSentinel } from './redis-sentinel.js';
export { redisCommand, type RedisAddress } from './redis-wire.js';
export { until, type UntilOptions } from './until.js';

/** The version of Redis that it is, or behaves like: Valkey says 7. */
export async function majorVersion(server: RedisServer): Promise<number> {
  const info = await server.command('INFO', 'server');
  return Number(/^redis_version:(\d+)/m.exec(info)?.[1]);
}

export interface AnyRedis {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Any Redis: the one `REDIS_URL` names, otherwise one of its own. Only for suites that do not mind what else is in it, and
 * neither pause nor restart it; they keep to a key prefix of their own and remove it.
 */
export async function anyRedis(): Promise<AnyRedis> {
  const url = process.env['REDIS_URL'];
  if (url === undefined || url === '') {
    const server: RedisServer = await startRedis();
    return server;
  }
  return { url, stop: () => Promise.resolve() };
}
