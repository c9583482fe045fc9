// Invalidations while Redis cannot be reached: they take effect at once here, and elsewhere when it can be again.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';

import { failure } from '../support/deferred.js';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js';
import { type RedisServer, startRedis, until } from '../support/redis-server.js';
import { heardBy, type Instance, Instances, PRECISE } from './instances.js';

let server: RedisServer;
/** In front of the instance q alone. */
let proxy: FaultProxy;
const instances = new Instances();
let p: Instance;
let q: Instance;
let namespace: string;
let run = 0;

beforeAll(async () => {
  server = await startRedis({ args: PRECISE });
  proxy = await startFaultProxy(server);
});
afterAll(async () => {
  await proxy.stop();
  await server.stop();
});
const open = (port: number, defaults = {}): Promise<Instance> =>
  instances.open({ namespace, defaults, redis: { port } });

beforeEach(async () => {
  namespace = `ns${run++}`;
  p = await open(server.port);
  q = await open(proxy.port);
  await heardBy([q], p, () => p.cache.setMany([['a', 1], ['b', 1]], { tags: ['t'] })); // prettier-ignore
  await q.cache.getMany(['a', 'b']);
});
afterEach(async () => {
  await proxy.heal();
  await instances.close();
});

describe('an invalidation that Redis cannot be told of', () => {
  it.each<[string, () => Promise<unknown>, unknown]>([
    ['delete', () => q.cache.delete('a'), undefined],
    ['set', () => q.cache.set('a', 2), 2],
    ['invalidateTags', () => q.cache.invalidateTags(['t']), undefined],
    ['a prefix', () => q.cache.clearPattern('*'), undefined],
    ['a general pattern', () => q.cache.clearPattern('?'), undefined],
    ['clear', () => q.cache.clear(), undefined],
  ])('by %s is queued, and told when that is possible', async (_name, invalidate, own) => {
    proxy.refuse();
    await invalidate();
    expect(q.coherence.queued).toBe(1);
    expect(q.eventsOf('queued')).toMatchObject([{ entries: 1 }]);
    expect(q.cache.peek('a')).toBe(own);
    await expect(q.cache.get('a')).resolves.toBe(own);
    expect(p.cache.peek('a')).toBe(1);
    await proxy.heal();
    // Redis may be used again, and has the older value still: this instance knows better until Redis is told.
    while (q.coherence.queued > 0) {
      await expect(q.cache.get('a')).resolves.toBe(own);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => p.cache.peek('a') === undefined, { what: 'the other instance hearing of it' });
    await expect(p.inRedis('a')).resolves.toBeUndefined();
    expect(q.eventsOf('replayed')).toHaveLength(1);
    await heardBy([p], q, () => q.cache.set('a', 3));
    await expect(p.cache.get('a')).resolves.toBe(3);
  });

  it('rejects if that was asked for, and is told later all the same', async () => {
    const strict = await open(proxy.port, { strict: true });
    await strict.cache.get('a');
    proxy.refuse();
    for (const call of [
      strict.cache.delete('a'),
      strict.cache.invalidateTags(['t']),
      strict.cache.set('b', 2),
    ]) {
      expect(await failure(call)).toMatchObject({ code: 'CACHE_STORE_FAILED' });
    }
    expect(strict.cache.peek('a')).toBeUndefined();
    expect(strict.coherence.queued).toBe(3);
    await proxy.heal();
    await until(() => p.cache.peek('a') === undefined && p.cache.peek('b') === undefined);
    await until(() => strict.coherence.queued === 0);
    await expect(p.inRedis('b')).resolves.toBeUndefined();
  });

  it('becomes a clear when there are too many of them', async () => {
    proxy.refuse();
    await q.cache.deleteMany(Array.from({ length: 10_001 }, (_, i) => `k${i}`));
    expect(q.coherence.queued).toBe(1);
    expect(q.eventsOf('queued')).toMatchObject([{ entries: 1, reason: 'overflow' }]);
    await proxy.heal();
    await until(() => p.cache.peek('a') === undefined && p.cache.peek('b') === undefined);
    await expect(p.inRedis('b')).resolves.toBeUndefined();
  });
});

it('an instance that invalidates all the time uses Redis again soon after it was cut off', async () => {
  proxy.delay(2);
  let serial = 0;
  const traffic = new AbortController();
  const invalidating = (async () => {
    while (!traffic.signal.aborted) {
      for (let i = 0; i < 5; i++) void q.cache.delete(`k${serial++ % 1_000}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  try {
    await until(() => serial > 100);
    proxy.cut();
    await until(() => q.eventsOf('queued').length > 0, { what: 'something that waits' });
    await until(async () => (await q.inRedis('a')) === 1, { what: 'a hit in Redis' });
    // Others hear of it by messages, and not once a second.
    const seen = q.eventsOf('queued').length;
    await heardBy([p], q, () => q.cache.delete('a'));
    expect(p.cache.peek('a')).toBeUndefined();
    expect(q.eventsOf('queued')).toHaveLength(seen);
    expect(q.eventsOf('replayed').length).toBeGreaterThan(0);
    expect(q.coherence.queued).toBe(0);
  } finally {
    traffic.abort();
    await invalidating;
  }
});

it('an application that starts without Redis joins when it appears', async () => {
  proxy.refuse();
  const begun = performance.now();
  const late = await open(proxy.port);
  expect(performance.now() - begun).toBeLessThan(3_000);
  expect(late.coherence).toMatchObject({ inContact: false });
  await expect(late.cache.getOrSet('a', () => 'loaded')).resolves.toBe('loaded');
  await late.cache.invalidateTags(['t']);
  expect(late.coherence.queued).toBe(1);
  await proxy.heal();
  await until(() => p.cache.peek('a') === undefined, { what: 'the other instance hearing of it' });
  await until(() => late.coherence.queued === 0 && late.coherence.inContact);
  await heardBy([late], p, () => p.cache.set('a', 2));
  await expect(late.cache.get('a')).resolves.toBe(2);
});
