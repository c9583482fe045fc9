import { expect } from '@jest/globals';

import type { RedisOptions } from '../../lib/stores/redis/redis-options.js';
import { Deferred } from '../support/deferred.js';
import { type RedisServer, until } from '../support/redis-server.js';
import { heardBy, type Instance, Instances } from './instances.js';

/** The commands that these servers were given since `CONFIG RESETSTAT`, those within scripts included. */
export async function namesOf(servers: readonly RedisServer[]): Promise<ReadonlySet<string>> {
  const stats = await Promise.all(servers.map((one) => one.command('INFO', 'commandstats')));
  return new Set(stats.flatMap((text) => [...text.matchAll(/^cmdstat_([^:]+):/gm)].map(([, name]) => name!)));
}

/** Everything that the library does with Redis. */
export async function useEverything(redis: RedisOptions, servers: readonly RedisServer[]): Promise<void> {
  const instances = new Instances();
  const [p, q] = (await instances.openSeveral(2, { namespace: 'all', redis })) as [Instance, Instance];
  await p.cache.set('a', 1, { tags: ['t'] });
  await p.cache.setMany([['user:1', 1], ['user:2', 1], ['c', 1]]); // prettier-ignore
  await q.cache.getMany(['a', 'user:1', 'none']);
  await q.cache.has('user:2');
  const load = new Deferred<number>();
  const reads = [p.cache.getOrSet('slow', () => load.promise)];
  await until(() => p.cache.stats().loadsRunning === 1);
  reads.push(q.cache.getOrSet('slow', () => 2));
  await until(async () => (await namesOf(servers)).has('pexpire'), { what: 'the lease being renewed' });
  load.resolve(1);
  await expect(Promise.all(reads)).resolves.toStrictEqual([1, 1]);
  await p.cache.getOrSetMany(['x', 'y'], () => new Map([['x', 1]]));
  await expect(p.cache.getOrSet('fails', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  await heardBy([q], p, () => p.cache.invalidateTags(['t']));
  await expect(q.inRedis('a')).resolves.toBeUndefined();
  await p.cache.deleteMany(['user:1', 'x']);
  await p.cache.clearPattern('u*2');
  await p.cache.clearPattern('user:*');
  await p.cache.set('user:3', 1);
  await heardBy([q], p, () => p.cache.clear());
  await until(() => p.eventsOf('swept').length > 0, { what: 'the sweep' });
  await instances.close();
}
