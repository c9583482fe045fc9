// A load is overtaken by an invalidation that its process has not heard of: then it is Redis that keeps the result out.
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';

import type { CacheManager } from '../../lib/index.js';
import { createRedisStore } from '../../lib/stores/redis/redis-store.js';
import type { RemoteStore } from '../../lib/stores/store.js';
import { Deferred } from '../support/deferred.js';
import { type RedisServer, startRedis, until } from '../support/redis-server.js';
import { Instances } from './instances.js';

const NAMESPACE = 'fills';
const INSTANCE = '0011223344556677';

let server: RedisServer;
let admin: Redis;
const instances = new Instances();

beforeAll(async () => {
  server = await startRedis();
  admin = new Redis(server.port);
});
afterEach(async () => {
  await instances.close();
  await admin.flushall();
});
afterAll(async () => {
  admin.disconnect();
  await server.stop();
});

/** A store whose owner is never told what others announce. */
async function deafStore(): Promise<RemoteStore> {
  const settings = {
    namespace: NAMESPACE,
    instance: INSTANCE,
    codec: 'json.1',
    slots: 1_024,
    streamLength: 100,
  };
  const store = await createRedisStore({ port: server.port }, settings, { onError: () => undefined });
  const silence = new Deferred<never>();
  silence.promise.catch(() => undefined);
  return {
    getMany: (keys) => store.getMany(keys),
    change: (changes, announcement) => store.change(changes, announcement),
    scan: (prefix, pause) => store.scan(prefix, pause),
    sweep: (keys, stale) => store.sweep(keys, stale),
    feed: { join: (seen, lost) => store.feed.join(seen, lost), poll: () => silence.promise },
    now: () => store.now(),
    close() {
      silence.reject(new Error('closed'));
      return store.close();
    },
  };
}

it.each<[string, (cache: CacheManager) => Promise<unknown>]>([
  ['its tag', (cache) => cache.invalidateTags(['t'])],
  ['a prefix of its key', (cache) => cache.clearPattern('user:*')],
  ['everything', (cache) => cache.clear()],
])('is not stored in Redis if another instance invalidates %s meanwhile', async (_, invalidate) => {
  const q = await instances.open({ namespace: NAMESPACE, slots: 1_024, redis: { port: server.port } });
  const store = await deafStore();
  const p = await instances.open({ namespace: NAMESPACE, redis: {} }, { store: () => store });
  const load = new Deferred<string>();
  const loading = p.cache.getOrSet('user:1', () => load.promise, { tags: ['t'] });
  await until(() => p.cache.stats().loadsRunning === 1, { what: 'the load' });
  expect(await admin.exists(`${NAMESPACE}:user:1`)).toBe(1);
  await invalidate(q.cache);
  load.resolve('old');
  await expect(loading).resolves.toBe('old');
  await until(() => p.cache.stats().refusedFills === 1, { what: 'the refusal' });
  expect(p.eventsOf('fill-refused')).toMatchObject([{ key: 'user:1' }]);
  expect(await admin.exists(`${NAMESPACE}:user:1`)).toBe(0);
  await until(() => p.cache.peek('user:1') === undefined, { what: 'memory being without it' });
  await expect(q.cache.getOrSet('user:1', () => 'new', { tags: ['t'] })).resolves.toBe('new');
});
