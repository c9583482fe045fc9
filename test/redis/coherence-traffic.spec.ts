// What it costs in commands, round trips and messages.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';

import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js';
import { type RedisServer, startRedis, until } from '../support/redis-server.js';
import { heardBy, type Instance, Instances } from './instances.js';
import { commandsFor, commandsOf, messagesIn, roundTripsOf } from './traffic.js';

const MANY = 3_000;
const keys = (count: number): string[] => Array.from({ length: count }, (_, i) => `user:${i}`);

let server: RedisServer;
let proxy: FaultProxy;
let admin: Redis;
const instances = new Instances();
let p: Instance;
let q: Instance;
let namespace: string;
let run = 0;

beforeAll(async () => {
  server = await startRedis();
  proxy = await startFaultProxy(server);
  admin = new Redis(server.port);
});
afterAll(async () => {
  admin.disconnect();
  await proxy.stop();
  await server.stop();
});

beforeEach(async () => {
  namespace = `ns${run++}`;
  // Loads are patient only with a Redis that they know to be far away.
  proxy.delay(25);
  p = await instances.open({ namespace, redis: { port: proxy.port } });
  await proxy.heal();
  q = await instances.open({ namespace, redis: { port: server.port } });
});
afterEach(() => instances.close());

describe('reading', () => {
  it('from memory asks Redis nothing, with tags or without, before and after invalidations', async () => {
    await p.cache.setMany([['tagged', 1], ['too', 2]], { tags: ['a', 'b'] }); // prettier-ignore
    await p.cache.set('untagged', 3);
    await heardBy([p], q, () => q.cache.invalidate(['other'], ['c'], []));
    const sent = await commandsFor(server, async () => {
      for (let i = 0; i < 100; i++) {
        await expect(p.cache.get('tagged')).resolves.toBe(1);
        await expect(p.cache.getOrSet('untagged', () => 4)).resolves.toBe(3);
        expect((await p.cache.getMany(['tagged', 'too'])).size).toBe(2);
      }
    });
    expect(sent).toStrictEqual({});
    expect(p.cache.stats().memory).toMatchObject({ hits: 400, misses: 0 });
  });

  it('from Redis is one MGET and nothing else, with tags or without, before and after invalidations', async () => {
    await p.cache.set('tagged', 1, { tags: ['a', 'b'] });
    await p.cache.set('untagged', 2);
    await heardBy([q], p, () => p.cache.invalidate(['other'], ['c'], []));
    expect(await commandsFor(server, () => q.inRedis('tagged'))).toStrictEqual({ mget: 1 });
    expect(await commandsFor(server, () => q.cache.getOrSet('untagged', () => 0))).toStrictEqual({ mget: 1 });
    expect(await commandsFor(server, () => q.cache.getMany(['tagged', 'none']))).toStrictEqual({ mget: 1 });
    expect(q.cache.stats().redis).toMatchObject({ hits: 3, misses: 1 });
    expect(await roundTripsOf(proxy, () => p.inRedis('tagged'))).toBe(1);
  });

  it('and loading what is missing costs three round trips, no message, and nobody waits long for the third', async () => {
    const before = await messagesIn(server, namespace);
    const load = (): Promise<unknown> => p.cache.getOrSet('k', () => 'loaded', { tags: ['a'] });
    expect(await commandsFor(server, load)).toMatchObject({ mget: 1, eval: 2 });
    await p.cache.delete('k');
    expect(await roundTripsOf(proxy, load)).toBe(2);
    const batch = new Map(keys(100).map((key) => [key, key]));
    expect(await roundTripsOf(proxy, () => p.cache.getOrSetMany(batch.keys(), () => batch))).toBe(2);
    expect(await messagesIn(server, namespace)).toBe(before + 1);
    await until(async () => (await q.inRedis('user:99')) !== undefined, { what: 'the last fill' });
    await expect(q.inRedis('k')).resolves.toBe('loaded');
    await expect(q.inRedis('user:99')).resolves.toBe('user:99');
    expect(q.coherence.received).toBe(1);
  });
});

describe.each([10, MANY])('with %d entries that it concerns', (count) => {
  beforeEach(async () => {
    await p.cache.setMany(
      keys(count).map((key) => [key, 1] as const),
      { tags: ['t'] },
    );
  });

  it.each<[string, () => Promise<void>]>([
    ['invalidateTags', () => p.cache.invalidateTags(['t'])],
    ['a prefix', () => p.cache.clearPattern('user:*')],
    ['clear', () => p.cache.clear()],
    ['tags and prefixes together', () => p.cache.invalidate([], ['t', 'u'], ['user:*', '*'])],
  ])('%s is one round trip, one script and one message', async (_name, invalidate) => {
    const before = await messagesIn(server, namespace);
    let sent: Record<string, number> = {};
    const trips = await roundTripsOf(proxy, async () => {
      await heardBy([q], p, async () => {
        await server.command('CONFIG', 'RESETSTAT');
        const invalidated = invalidate();
        // The sweep begins when this has been answered: until the answer is here, it has sent nothing.
        sent = await until(async () => {
          const soFar = await commandsOf(server);
          return soFar['xadd'] === undefined ? undefined : soFar;
        });
        await invalidated;
      });
    });
    expect(trips).toBe(1);
    expect(sent).toMatchObject({ eval: 1, persist: 1, xadd: 1 });
    expect(Object.keys(sent).filter((name) => /scan|unlink|del|mget/.test(name))).toStrictEqual([]);
    expect((await messagesIn(server, namespace)) - before).toBe(1);
    await expect(q.inRedis('user:0')).resolves.toBeUndefined();
  });
});

describe('invalidating', () => {
  it('1,000 keys and 10 tags is at most two round trips and one message', async () => {
    await p.cache.setMany(keys(1_000).map((key) => [key, 1] as const));
    await p.cache.setMany(
      Array.from({ length: 10 }, (_, i) => [`tagged:${i}`, 1] as const),
      { tags: ['t3'] },
    );
    const before = await messagesIn(server, namespace);
    const tags = Array.from({ length: 10 }, (_, i) => `t${i}`);
    const trips = await roundTripsOf(proxy, () =>
      heardBy([q], p, () => p.cache.invalidate(keys(1_000), tags, [])),
    );
    expect(trips).toBeLessThanOrEqual(2);
    expect(trips).toBeGreaterThan(0);
    expect((await messagesIn(server, namespace)) - before).toBe(1);
    expect(await q.cache.getMany([...keys(1_000), 'tagged:0', 'tagged:9'])).toStrictEqual(new Map());
  });

  it('keys by deleteMany tells how many there were, in one round trip', async () => {
    await p.cache.setMany(keys(500).map((key) => [key, 1] as const));
    let deleted = 0;
    const trips = await roundTripsOf(proxy, async () => {
      deleted = await p.cache.deleteMany(keys(1_000));
    });
    expect([deleted, trips]).toStrictEqual([500, 1]);
  });

  it('64 times in one tick is one message', async () => {
    const before = await messagesIn(server, namespace);
    await heardBy([q], p, () => Promise.all(keys(64).map((key) => p.cache.set(key, key))));
    await heardBy([q], p, () => Promise.all(keys(64).map((key) => p.cache.delete(key))));
    await heardBy([q], p, () => Promise.all(keys(64).map((key) => p.cache.invalidateTags([key]))));
    expect((await messagesIn(server, namespace)) - before).toBe(3);
    expect(q.coherence.received).toBe(3);
  });

  it('keeps the stream at about its length', async () => {
    const short = await instances.open({
      namespace: 'short',
      streamLength: 100,
      redis: { port: server.port },
    });
    for (let i = 0; i < 500; i++) await short.cache.delete(`k${i}`);
    // Redis drops whole nodes of up to 100 messages.
    expect(await messagesIn(server, 'short')).toBeLessThanOrEqual(200);
  });

  it('by a general pattern looks at keys in small portions, and says what that came to', async () => {
    await p.cache.setMany(keys(MANY).map((key) => [key, 1] as const));
    await heardBy([q], p, () => p.cache.set('order:1', 1));
    // With this limit it is a log of all commands.
    await admin.config('SET', 'slowlog-log-slower-than', 0);
    await admin.config('SET', 'slowlog-max-len', 10_000);
    await heardBy([q], p, () => p.cache.clearPattern('u*5'));
    const log = (await admin.slowlog('GET', 10_000)) as [unknown, unknown, unknown, command: string[]][];
    await admin.config('SET', 'slowlog-log-slower-than', -1);
    const scans = log.map(([, , , command]) => command).filter(([name]) => name!.toLowerCase() === 'scan');
    const portions = scans.map((scan) => Number(scan[scan.indexOf('COUNT') + 1]));
    expect(portions.length).toBeGreaterThanOrEqual(MANY / 1_000);
    expect(Math.max(...portions)).toBeLessThanOrEqual(1_000);
    const found = keys(MANY).filter((key) => key.endsWith('5')).length;
    expect(p.eventsOf('scanned')).toStrictEqual([
      {
        cache: expect.any(String),
        outcome: 'scanned',
        what: ['u*5'],
        looked: MANY,
        entries: found,
        durationMs: expect.any(Number),
      },
    ]);
  });
});
