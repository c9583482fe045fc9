// Messages that cannot be read, a Redis without room, and instances that are set up differently.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';

import { jsonCodec } from '../../lib/codec/json-codec.js';
import { invalidationOf } from '../../lib/coherence/invalidation.js';
import { Bookkeeping, readClock } from '../../lib/stores/redis/bookkeeping.js';
import { ANNOUNCE } from '../../lib/stores/redis/clock-scripts.js';
import { failure } from '../support/deferred.js';
import { type RedisServer, startRedis, until } from '../support/redis-server.js';
import { heardBy, type Instance, Instances, PRECISE } from './instances.js';

let server: RedisServer;
let admin: Redis;
const instances = new Instances();
let p: Instance;
let q: Instance;
let namespace: string;
let run = 0;
const unhandled: unknown[] = [];
const onUnhandled = (error: unknown): unknown => unhandled.push(error);

beforeAll(async () => {
  process.on('unhandledRejection', onUnhandled);
  server = await startRedis({ args: PRECISE });
  admin = new Redis(server.port);
});
afterAll(async () => {
  admin.disconnect();
  await server.stop();
  process.off('unhandledRejection', onUnhandled);
});
const open = (options: object = {}): Promise<Instance> =>
  instances.open({ namespace, redis: { port: server.port }, ...options });

beforeEach(async () => {
  namespace = `ns${run++}`;
  [p, q] = [await open(), await open()];
});
afterEach(async () => {
  await instances.close();
  expect(unhandled.splice(0)).toStrictEqual([]);
});

describe('a message that cannot be read', () => {
  /** Announces as an instance would that knows how, but with a message of another kind. */
  async function announce(message: string): Promise<void> {
    const settings = {
      namespace,
      instance: '0011223344556677',
      codec: 'json.1',
      slots: 65_536,
      streamLength: 100,
    };
    const [announcement] = new Bookkeeping(settings).announcements([invalidationOf({ keys: ['k'] })]);
    const { key, streamKey, args } = announcement!;
    const body = args.findIndex((arg) => typeof arg === 'string' && arg.startsWith('{'));
    await admin.eval(ANNOUNCE, 2, key, streamKey, ...args.with(body, message));
  }
  /** Puts something into the stream under the number that comes next. */
  async function add(...fields: string[]): Promise<void> {
    const { clock } = readClock(await admin.getBuffer(`{${namespace}}~clock`));
    await admin.xadd(`{${namespace}}~invalidations`, `${clock + 1}-0`, ...fields);
  }

  it.each<[string, string, () => Promise<void>]>([
    ['of a newer version', 'unreadable', () => announce('{"v":2,"o":"0011223344556677","everything":true}')],
    ['that is no JSON', 'unreadable', () => announce('{"v":1,"o":"00')],
    ['that is other JSON', 'unreadable', () => announce('null')],
    ['with keys that are none', 'unreadable', () => announce('{"v":1,"o":"0011223344556677","k":[1]}')],
    ['with a bad pattern', 'unreadable', () => announce('{"v":1,"o":"0011223344556677","g":[["","["]]}')],
    ['of somebody else', 'epoch', () => add('hello', 'world')],
    ['of another epoch', 'epoch', () => add('e', '12345678', 't', '1', 'b', '0', 'm', '{"v":1,"o":"x"}')],
  ])('%s makes all forget what they have, and say so', async (_name, reason, send) => {
    await heardBy([q], p, () => p.cache.set('a', 1, { tags: ['t'] }));
    await expect(q.cache.get('a')).resolves.toBe(1);
    // Whoever reads first takes away what is not ours: both have to wait for it.
    await until(async () => (await server.command('CLIENT', 'LIST')).match(/flags=b /g)?.length === 2);
    await send();
    for (const instance of [p, q]) {
      await until(() => instance.coherence.resyncs === 1, { what: 'a resync' });
      expect(instance.cache.peek('a')).toBeUndefined();
      expect(instance.eventsOf('out-of-sync')).toMatchObject([{ reason }]);
      expect(instance.eventsOf('resync').at(-1)).toMatchObject({ reason, clock: expect.any(Number) });
    }
    // The entry in Redis has not been touched, and the clock says so.
    await expect(q.cache.get('a')).resolves.toBe(1);
    await heardBy([q], p, () => p.cache.invalidateTags(['t']));
    expect(q.cache.peek('a')).toBeUndefined();
    await expect(q.cache.get('a')).resolves.toBeUndefined();
    await heardBy([p], q, () => q.cache.set('a', 2));
    expect([p, q].map(({ coherence }) => coherence.resyncs)).toStrictEqual([1, 1]);
  });
});

it('very many keys are several messages, and all are followed', async () => {
  const keys = Array.from({ length: 12_000 }, (_, i) => `k${i}`);
  await p.cache.setMany(keys.map((key) => [key, 1] as const));
  await q.cache.getMany(keys.slice(-500));
  await heardBy([q], p, () => p.cache.deleteMany(keys));
  expect(keys.filter((key) => q.cache.peek(key) !== undefined)).toStrictEqual([]);
  expect(await q.cache.getMany(keys)).toStrictEqual(new Map());
  expect(q.coherence).toMatchObject({ resyncs: 0 });
});

describe('a Redis that is out of memory', () => {
  beforeEach(async () => {
    await p.cache.setMany([['a', 1], ['user:1', 1], ['user:2', 1]], { tags: ['t'] }); // prettier-ignore
    await p.cache.set('b', 1);
    await q.cache.getMany(['a', 'b', 'user:1', 'user:2']);
    await until(() => q.hasHeardOf(p));
    await server.command('CONFIG', 'SET', 'maxmemory', 1);
    expect((await failure(admin.set('x', 1))).message).toContain('OOM');
  });
  afterEach(() => server.command('CONFIG', 'SET', 'maxmemory', 0));

  it('still takes every invalidation', async () => {
    await heardBy([q], p, () => p.cache.delete('b'));
    await heardBy([q], p, () => p.cache.clearPattern('user:?'));
    await heardBy([q], p, () => p.cache.invalidateTags(['t']));
    await heardBy([q], p, () => p.cache.clearPattern('user:*'));
    await heardBy([q], p, () => p.cache.clear());
    expect(p.eventsOf('queued')).toStrictEqual([]);
    expect(q.coherence).toMatchObject({ received: 7, resyncs: 0 });
    expect(await q.cache.getMany(['a', 'b', 'user:1', 'user:2'])).toStrictEqual(new Map());
  });

  it('refuses a set, and no older value stays because of that', async () => {
    await p.cache.set('a', 2);
    await expect(p.cache.get('a')).resolves.toBe(2);
    await until(() => q.cache.peek('a') === undefined, { what: 'the other instance hearing of it' });
    await until(() => p.coherence.queued === 0);
    await expect(q.cache.getOrSet('a', () => 'loaded')).resolves.toBe('loaded');
    expect(await failure(p.cache.set('b', 2, { strict: true }))).toMatchObject({
      code: 'CACHE_STORE_FAILED',
    });
    await expect(p.cache.get('b')).resolves.toBe(2);
    await until(() => p.coherence.queued === 0);
    await expect(q.inRedis('b')).resolves.toBeUndefined();
  });

  it('does not keep loads from their callers, nor new instances from starting', async () => {
    const late = await open();
    await heardBy([p, q, late], q, () => q.cache.invalidateTags(['t']));
    for (const instance of [p, q, late]) {
      await expect(instance.cache.getOrSet('a', () => 'loaded')).resolves.toBe('loaded');
      await expect(instance.cache.get('b')).resolves.toBe(1);
    }
    await server.command('CONFIG', 'SET', 'maxmemory', 0);
    await until(async () => {
      await late.cache.set('c', 1);
      return (await q.cache.get('c')) === 1;
    });
  });
});

describe('instances that are set up differently', () => {
  it('say so, with numbers, and go on with the slots of the first', async () => {
    const warnings: string[] = [];
    const onWarning = (message: string): unknown => warnings.push(message);
    const odd = await instances.open(
      { namespace, slots: 1_000, redis: { port: server.port } },
      { onWarning },
    );
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(`'${namespace}' has 65536 slots in Redis, this instance is set to 1000`);
    expect(odd.eventsOf('settings-differ')).toMatchObject([{ reason: warnings[0] }]);
    expect([...p.eventsOf('settings-differ'), ...q.eventsOf('settings-differ')]).toStrictEqual([]);
    const names = Array.from({ length: 200 }, (_, i) => `${i}`);
    for (const [from, to] of [
      [odd, p],
      [p, odd],
    ] as const) {
      // prettier-ignore
      await Promise.all(names.map((name) => from.cache.set(`${name}:k`, name, { tags: [name] })));
      await to.cache.getMany(names.map((name) => `${name}:k`));
      await heardBy([to, from], from, () => from.cache.invalidateTags(names.slice(0, 50)));
      await heardBy([to, from], from, () =>
        from.cache.invalidate(
          [],
          [],
          names.slice(50, 100).map((name) => `${name}:*`),
        ),
      );
      for (const instance of [from, to]) {
        const left = await instance.cache.getMany(names.map((name) => `${name}:k`));
        expect([...left.values()]).toStrictEqual(names.slice(100));
      }
    }
  });

  it('say so about codecs, do not read each other, and follow invalidations all the same', async () => {
    const warnings: string[] = [];
    const onWarning = (message: string): unknown => warnings.push(message);
    const codec = { ...jsonCodec, id: 'other.1' };
    const odd = await instances.open({ namespace, codec, redis: { port: server.port } }, { onWarning });
    expect(warnings).toStrictEqual([
      expect.stringContaining(`writes with the codec 'json.1', this one with 'other.1'`),
    ]);
    expect(odd.eventsOf('settings-differ')).toMatchObject([{ reason: warnings[0] }]);
    await heardBy([odd], p, () => p.cache.set('k', 'json'));
    await expect(odd.cache.getOrSet('k', () => 'loaded')).resolves.toBe('loaded');
    await heardBy([odd], p, () => p.cache.delete('k'));
    expect(odd.cache.peek('k')).toBeUndefined();
  });
});
