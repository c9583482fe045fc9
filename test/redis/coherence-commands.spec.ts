// The commands that Redis is given: none newer than Redis 6.2, none that blocks it for long.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';

import type { RedisOptions } from '../../lib/stores/redis/redis-options.js';
import { Deferred } from '../support/deferred.js';
import {
  type RedisCluster,
  type RedisServer,
  startCluster,
  startRedis,
  until,
} from '../support/redis-server.js';
import { heardBy, type Instance, Instances } from './instances.js';

let server: RedisServer;
let cluster: RedisCluster;
const instances = new Instances();

beforeAll(async () => {
  [server, cluster] = await Promise.all([startRedis(), startCluster()]);
}, 60_000);
afterAll(() => Promise.all([server.stop(), cluster.stop()]));

/** The commands that these servers were given since `CONFIG RESETSTAT`, those within scripts included. */
async function namesOf(servers: readonly RedisServer[]): Promise<ReadonlySet<string>> {
  const stats = await Promise.all(servers.map((one) => one.command('INFO', 'commandstats')));
  return new Set(stats.flatMap((text) => [...text.matchAll(/^cmdstat_([^:]+):/gm)].map(([, name]) => name!)));
}

/** Everything that the library does with Redis. */
async function useEverything(redis: RedisOptions, servers: readonly RedisServer[]): Promise<void> {
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

describe.each<[string, () => RedisOptions, () => readonly RedisServer[]]>([
  ['one Redis', () => ({ port: server.port }), () => [server]],
  [
    'a cluster',
    () => ({ cluster: cluster.nodes.map(({ host, port }) => ({ host, port })) }),
    () => cluster.nodes,
  ],
])('%s', (_name, redis, servers) => {
  let used: ReadonlySet<string>;
  beforeAll(async () => {
    for (const one of servers()) await one.command('CONFIG', 'RESETSTAT');
    await useEverything(redis(), servers());
    used = await namesOf(servers());
  });

  it('is given what Redis 6.2 knows', async () => {
    const admin = new Redis(servers()[0]!.port);
    const since: Record<string, string> = {};
    for (const name of used) {
      const docs = (await admin.command('DOCS', name)) as unknown;
      since[name] = JSON.stringify(docs).match(/"since"[,:]"([\d.]+)"/)![1]!;
    }
    admin.disconnect();
    expect(used).toContain('xadd');
    expect(used).toContain('mget');
    const newer = Object.entries(since).filter(
      ([, version]) => version.localeCompare('6.2.99', 'en', { numeric: true }) > 0,
    );
    expect(newer).toStrictEqual([]);
  });

  it('is given nothing that blocks it for long, nor removes more than it should', () => {
    const harmful =
      /^(keys|del|flush.*|sort.*|smembers|hgetall|lrange|monitor|save|bgsave|config.*set|script.*)$/;
    expect([...used].filter((name) => harmful.test(name))).toStrictEqual([]);
  });
});
