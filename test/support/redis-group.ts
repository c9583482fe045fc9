import { startRedis, type RedisServer, type StartRedisOptions } from './redis-process.js';

/** Lets replicas follow their master as fast as can be. */
export const REPLICATION_ARGS = ['--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '1'];

/** Starts that many servers with the same options, all of them or none. */
export async function startAll(count: number, options: StartRedisOptions): Promise<RedisServer[]> {
  const started = await Promise.allSettled(Array.from({ length: count }, () => startRedis(options)));
  const servers = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  for (const result of started) {
    if (result.status === 'fulfilled') continue;
    await stopAll(servers);
    throw result.reason;
  }
  return servers;
}

/** Stops servers that have to do with each other: without warning, so that none of them waits for another. */
export async function stopAll(servers: readonly RedisServer[]): Promise<void> {
  await Promise.all(servers.map((server) => server.kill()));
  await Promise.all(servers.map((server) => server.stop()));
}
