// What instances do while they cannot hear of each other, and afterwards.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';

import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js';
import { type RedisServer, startRedis, until } from '../support/redis-server.js';
import { heardBy, type Instance, Instances, PRECISE } from './instances.js';
import { Traffic } from './traffic-check.js';

const MAX_STALENESS = 500;
/** Far less than what ioredis would wait, and more than a busy machine needs. */
const COMMAND_TIMEOUT = 250;

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
const open = (port: number): Promise<Instance> =>
  instances.open({
    namespace,
    maxStaleness: `${MAX_STALENESS}ms`,
    redis: { port, commandTimeout: COMMAND_TIMEOUT },
  });

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

const works = (): Promise<unknown> =>
  until(
    async () => {
      await p.cache.set('works', 1);
      return q.hasHeardOf(p) && (await q.inRedis('works')) === 1;
    },
    { what: 'instances sharing entries again' },
  );

/** When memory had the key for the last time, in milliseconds from now on. */
async function lastServed({ cache }: Instance, key: string): Promise<number> {
  const begun = performance.now();
  let last = 0;
  await until(
    () => {
      if (cache.peek(key) === undefined) return true;
      last = performance.now() - begun;
      return false;
    },
    { interval: 1 },
  );
  return last;
}

const SILENCES: Record<string, { begin: () => void; end: () => void | Promise<void> }> = {
  'a connection that is half open': { begin: () => proxy.halfOpen(), end: () => undefined },
  'a black hole': { begin: () => proxy.blackHole(), end: () => proxy.heal() },
  'a network that is down': { begin: () => proxy.refuse(), end: () => proxy.heal() },
};

describe.each(Object.keys(SILENCES))('with %s', (name) => {
  it('an instance serves what it has for maxStaleness and no longer, and is current again afterwards', async () => {
    const { begin, end } = SILENCES[name]!;
    begin();
    await p.cache.invalidateTags(['t']);
    expect(q.cache.peek('b')).toBe(1);
    expect(await lastServed(q, 'a')).toBeLessThanOrEqual(MAX_STALENESS + 5);
    // It is still in Redis, and nobody has told this instance that it must not use it.
    await expect(q.cache.get('b')).resolves.toBeUndefined();
    await expect(q.cache.getOrSet('b', () => 'loaded')).resolves.toBe('loaded');
    await end();
    await works();
    await expect(q.inRedis('a')).resolves.toBeUndefined();
    expect(q.cache.peek('a')).toBeUndefined();
    expect(q.coherence.resyncs).toBe(0);
    await until(() => q.coherence.inContact);
    await until(() => q.eventsOf('contact-regained').length === 1);
    expect(q.eventsOf('contact-lost')).toHaveLength(1);
  });

  it('in the middle of traffic nobody reads what he may not', async () => {
    const { begin, end } = SILENCES[name]!;
    const traffic = new Traffic(p, q, MAX_STALENESS);
    await traffic.flow(12, async () => begin());
    await end();
    expect(await traffic.settle()).toStrictEqual([]);
    const back = new Traffic(q, p, MAX_STALENESS);
    begin();
    await back.flow(12, async () => end());
    expect(await back.settle()).toStrictEqual([]);
  });
});

describe('after a cut', () => {
  it('an instance reads on where it was, and keeps what was not invalidated', async () => {
    proxy.refuse();
    await p.cache.delete('a');
    expect(q.cache.peek('b')).toBe(1);
    await proxy.heal();
    await until(() => q.hasHeardOf(p));
    expect([q.cache.peek('a'), q.cache.peek('b')]).toStrictEqual([undefined, 1]);
    expect(q.coherence).toMatchObject({ resyncs: 0, received: 2 });
    proxy.cut();
    proxy.cut();
    await heardBy([q], p, () => p.cache.set('c', 1));
    expect(q.cache.peek('b')).toBe(1);
    expect(q.coherence.resyncs).toBe(0);
  });

  it('an instance that has missed more than the stream keeps forgets all', async () => {
    const admin = new Redis(server.port);
    proxy.refuse();
    await p.cache.delete('a');
    await admin.xtrim(`{${namespace}}~invalidations`, 'MAXLEN', 0);
    await proxy.heal();
    await until(() => q.coherence.resyncs === 1);
    expect([q.cache.peek('a'), q.cache.peek('b')]).toStrictEqual([undefined, undefined]);
    expect(q.eventsOf('out-of-sync')).toMatchObject([{ reason: 'gap' }]);
    await expect(q.cache.get('b')).resolves.toBe(1);
    admin.disconnect();
  });
});

describe('behind a line so slow that a backlog does not come through at once', () => {
  it('an instance reads it in smaller parts, and knows all in the end', async () => {
    proxy.refuse();
    const long = 'x'.repeat(900);
    const keys = Array.from({ length: 20 }, (_, i) => `user:${i}:${long}`);
    for (let i = 0; i < 20; i++) await p.cache.deleteMany([...keys, 'a']);
    await proxy.heal();
    // One message in 100 ms, 20 of them in 2 s, and an answer has to be there in 375 ms.
    proxy.throttle(200_000);
    await until(() => q.hasHeardOf(p), { timeout: 20_000, what: 'the whole backlog' });
    expect(q.cache.peek('a')).toBeUndefined();
    expect(q.coherence.resyncs).toEqual(p.coherence.resyncs);
  });
});

describe('with a Redis that hangs', () => {
  afterEach(() => server.resume());

  it('memory serves, after maxStaleness only what is younger; then it all can be used again', async () => {
    server.pause();
    expect([p.cache.peek('a'), q.cache.peek('b')]).toStrictEqual([1, 1]);
    await until(() => !p.coherence.inContact && !q.coherence.inContact);
    // They may be younger than the last contact.
    await until(() => p.cache.peek('a') === undefined && q.cache.peek('b') === undefined, {
      timeout: 2 * MAX_STALENESS,
    });
    let loads = 0;
    const read = (): Promise<number> => p.cache.getOrSet('a', () => ++loads + 100);
    const begun = performance.now();
    await expect(read()).resolves.toBe(101);
    expect(performance.now() - begun).toBeLessThan(3 * COMMAND_TIMEOUT);
    expect(p.cache.peek('a')).toBe(101);
    await expect(read()).resolves.toBe(101);
    await until(() => p.cache.peek('a') === undefined);
    await expect(read()).resolves.toBe(102);
    server.resume();
    await until(() => q.coherence.inContact);
    expect(q.cache.peek('b')).toBe(1);
    await works();
    expect([p, q].map(({ coherence }) => coherence.resyncs)).toStrictEqual([0, 0]);
  });

  it('calls are bounded in time', async () => {
    server.pause();
    const begun = performance.now();
    await Promise.all([
      expect(p.cache.get('none')).resolves.toBeUndefined(),
      expect(p.cache.getOrSet('none', () => 1)).resolves.toBe(1),
      expect(p.cache.has('none')).resolves.toBe(false),
      p.cache.set('c', 1),
      p.cache.delete('b'),
      p.cache.invalidateTags(['u']),
      p.cache.clearPattern('x*y'),
      p.cache.clear(),
    ]);
    expect(performance.now() - begun).toBeLessThan(4 * COMMAND_TIMEOUT);
    expect(p.coherence.queued).toBeGreaterThan(0);
  });
});
