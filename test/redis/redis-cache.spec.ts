// The whole cache on a real Redis.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';

import type { CacheOptions } from '../../lib/core/cache-options.js';
import { type CreatedCache, createCache } from '../../lib/create-cache.js';
import type { CacheManager } from '../../lib/index.js';
import { describeBasics } from '../cache/basics.js';
import {
  type RedisCluster,
  type RedisServer,
  startCluster,
  startRedis,
  until,
} from '../support/redis-server.js';

let server: RedisServer;
let cluster: RedisCluster;
let admin: Redis;
const open: CreatedCache[] = [];

beforeAll(async () => {
  [server, cluster] = await Promise.all([startRedis(), startCluster()]);
  admin = new Redis(server.port, server.host);
}, 60_000);

afterAll(async () => {
  await admin.quit();
  await Promise.all([server.stop(), cluster.stop()]);
});

async function openCache(options: CacheOptions = {}): Promise<CacheManager> {
  const created = await createCache({ redis: { host: server.host, port: server.port }, ...options });
  open.push(created);
  return created.manager;
}

async function closeAll(): Promise<void> {
  await Promise.all(open.splice(0).map((created) => created.close()));
  await admin.flushall();
}

async function openInCluster(options: CacheOptions = {}): Promise<CacheManager> {
  const nodes = cluster.nodes.map(({ host, port }) => ({ host, port }));
  const cache = await openCache({ redis: { cluster: nodes }, ...options });
  await cache.clear();
  return cache;
}

describeBasics('memory + one Redis', () => openCache(), closeAll);
describeBasics('one Redis', () => openCache({ memory: false }), closeAll);
describeBasics('one Redis with a keyPrefix', () => openCache({ memory: false, redis: { host: server.host, port: server.port, keyPrefix: 'p*:' } }), closeAll); // prettier-ignore
describeBasics('a cluster', () => openInCluster({ memory: false }), closeAll);
describeBasics('memory + a cluster', () => openInCluster(), closeAll);

describe('one Redis', () => {
  afterEach(closeAll);

  it('holds one readable key per entry, with its ttl in milliseconds', async () => {
    const cache = await openCache({ namespace: 'shop' });
    await cache.set('user:42', { name: 'Ada' }, { ttl: '1500ms', tags: ['users'] });
    expect(await admin.keys('shop:*')).toStrictEqual(['shop:user:42']);
    expect((await admin.keys('*')).toSorted()).toStrictEqual([
      'shop:user:42',
      '{shop}~clock',
      '{shop}~invalidations',
    ]);
    expect(await admin.type('shop:user:42')).toBe('string');
    const left = await admin.pttl('shop:user:42');
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(1500);
    expect(await admin.get('shop:user:42')).toContain('Ada');
  });

  it('clears its namespace and nothing else, whatever the others are called', async () => {
    const others = ['shopping:k', 'shop', 'shop2:k', 'SHOP:k', 'x:shop:k', 's*op:k'];
    for (const key of others) await admin.set(key, 'theirs');
    const cache = await openCache({ namespace: 'shop' });
    const starred = await openCache({ namespace: 's*op' });
    const eu = await openCache({ namespace: 'shop:eu' });
    await eu.set('k', 'eu');
    await cache.set('eu:k', 'not eu');
    await cache.set('k', 1);
    await starred.set('l', 1);
    await cache.clearPattern('*');
    await cache.clear();
    await starred.clearPattern('l*');
    for (const key of others) await expect(admin.get(key)).resolves.toBe('theirs');
    await expect(eu.get('k')).resolves.toBe('eu');
    await until(async () => (await admin.exists('shop:k', 'shop:eu:k', 's*op:l')) === 0);
    await cache.clear();
    await starred.clear();
    await expect(eu.get('k')).resolves.toBe('eu');
  });

  it('clears ten thousand keys, in pieces', async () => {
    const cache = await openCache({ memory: false });
    await cache.setMany(Array.from({ length: 10_000 }, (_, i) => [`user:${i}`, i] as const));
    await cache.set('other', 1);
    await cache.clearPattern('user:*');
    expect(await cache.getMany(['user:0', 'user:9999', 'other'])).toStrictEqual(new Map([['other', 1]]));
    await until(async () => (await admin.keys('cache:*')).length === 1);
    expect(await admin.keys('cache:*')).toStrictEqual(['cache:other']);
  });

  it('removes with UNLINK and never with DEL or KEYS', async () => {
    const cache = await openCache({ memory: false });
    await cache.setMany([['a', 1], ['b', 2]]); // prettier-ignore
    await admin.config('RESETSTAT');
    await cache.delete('a');
    await cache.clear();
    const info = await admin.info('commandstats');
    expect(info).toContain('cmdstat_unlink');
    expect(info).not.toMatch(/cmdstat_(del|keys):/);
  });

  it('finds what was written in the same tick, when it removes by tag or pattern', async () => {
    for (const topology of [await openCache({ memory: false }), await openInCluster({ memory: false })]) {
      const keys = Array.from({ length: 50 }, (_, i) => `k${i}`);
      const written = topology.setMany(
        keys.map((key) => [key, 1] as const),
        { tags: ['t'] },
      );
      await Promise.all([written, topology.invalidateTags(['t'])]);
      expect(await topology.getMany(keys)).toStrictEqual(new Map());
      await Promise.all([
        topology.setMany(keys.map((key) => [key, 1] as const)),
        topology.clearPattern('k*'),
      ]);
      expect(await topology.getMany(keys)).toStrictEqual(new Map());
    }
  });

  it('reads of one tick are one MGET, whoever asks', async () => {
    const cache = await openCache({ memory: false });
    await cache.setMany(Array.from({ length: 50 }, (_, i) => [`k${i}`, i] as const));
    await admin.config('RESETSTAT');
    const reads = Array.from({ length: 50 }, (_, i) =>
      i % 2 ? cache.get(`k${i}`) : cache.getOrSet(`k${i}`, () => -1),
    );
    expect(await Promise.all([...reads, cache.getMany(['k1', 'k2'])])).toHaveLength(51);
    expect(await admin.info('commandstats')).toMatch(/cmdstat_mget:calls=1,/);
  });

  it('is shared: what one instance stores another finds, with tags and remaining time', async () => {
    const [p, q] = [await openCache(), await openCache()];
    await p.set('k', { a: new Date(5) }, { ttl: 60, tags: ['t'] });
    await expect(q.get('k')).resolves.toStrictEqual({ a: new Date(5) });
    await q.invalidateTags(['t']);
    await expect(q.get('k')).resolves.toBeUndefined();
    await until(async () => (await admin.exists('cache:k')) === 0, {
      what: 'what was found invalid being removed',
    });
    await until(async () => p.peek('k') === undefined, { what: 'the other instance hearing of it' });
  });

  it('takes foreign bytes under its keys for misses', async () => {
    const cache = await openCache();
    await admin.set('cache:text', 'hello');
    await admin.rpush('cache:list', 'not', 'a', 'string');
    await expect(cache.get('text')).resolves.toBeUndefined();
    await expect(cache.get('list')).resolves.toBeUndefined();
    await expect(cache.getOrSet('list', () => 1)).resolves.toBe(1);
    await expect(cache.get('list', { tiers: ['redis'] })).resolves.toBe(1);
  });

  it('goes on when Redis is killed, and uses it again when it is back', async () => {
    const own = await startRedis();
    const cache = await openCache({ redis: { host: own.host, port: own.port } });
    await cache.set('k', 1);
    await own.kill();
    await expect(cache.getOrSet('l', () => 'loaded')).resolves.toBe('loaded');
    await expect(cache.get('k')).resolves.toBe(1);
    await own.restart();
    for (;;) {
      await cache.getOrSet('m', () => 'loaded', { tiers: ['redis'] });
      if ((await cache.get('m', { tiers: ['redis'] })) === 'loaded') break;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await own.stop();
  });
});
