// Closing an instance ends everything it has begun, whatever state it is in.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Cluster, Redis } from 'ioredis';

import type { Surroundings } from '../../lib/create-cache.js';
import type { RedisOptions } from '../../lib/stores/redis/redis-options.js';
import { Deferred, failure } from '../support/deferred.js';
import { ManualClock } from '../support/manual-clock.js';
import {
  type RedisCluster,
  type RedisServer,
  startCluster,
  startRedis,
  until,
} from '../support/redis-server.js';
import { heardBy, Instance, Instances } from './instances.js';

let server: RedisServer;
let cluster: RedisCluster;
const unhandled: unknown[] = [];
const onUnhandled = (error: unknown): unknown => unhandled.push(error);

beforeAll(async () => {
  process.on('unhandledRejection', onUnhandled);
  [server, cluster] = await Promise.all([startRedis(), startCluster()]);
}, 60_000);
afterAll(async () => {
  await Promise.all([server.stop(), cluster.stop()]);
  process.off('unhandledRejection', onUnhandled);
});
afterEach(async () => {
  server.resume();
  if (server.pid === undefined) await server.start();
  expect(unhandled.splice(0)).toStrictEqual([]);
});

const nodes = (): { host: string; port: number }[] => cluster.nodes.map(({ host, port }) => ({ host, port }));
const open = (redis: RedisOptions, surroundings: Surroundings = {}): Promise<Instance> =>
  new Instance('closing').open({ namespace: 'closing', redis }, surroundings);
const single = (): RedisOptions => ({ port: server.port, commandTimeout: 300 });
const held = (kind: string): number =>
  process.getActiveResourcesInfo().filter((name) => name === kind).length;

/** How many clients the servers have, but for whoever asks. */
async function clients(): Promise<number> {
  const running = [server, ...cluster.nodes].filter(({ pid }) => pid !== undefined);
  const lists = await Promise.all(running.map((one) => one.command('CLIENT', 'LIST', 'TYPE', 'normal')));
  return lists.map((list) => list.trim().split('\n').length - 1).reduce((sum, count) => sum + count, 0);
}

const STATES: Record<string, () => Promise<Instance>> = {
  'that was never used': () => open(single()),
  'in the middle of a poll': async () => {
    const instance = await open(single());
    await until(async () => (await server.command('CLIENT', 'LIST')).includes('cmd=xread'));
    return instance;
  },
  'in the middle of everything': async () => {
    const instance = await open(single());
    const { cache } = instance;
    const calls = [cache.set('a', 1), cache.getOrSet('b', () => 1), cache.delete('c'), cache.clear()];
    for (const call of calls) call.catch(() => undefined);
    return instance;
  },
  'that has renewed a lease': async () => {
    const instance = await open(single());
    instance.cache.getOrSet('k', () => new Deferred().promise).catch(() => undefined);
    await until(async () => (await server.command('EXISTS', 'closing:k')) === '1');
    return instance;
  },
  'of a cluster': () => open({ cluster: nodes() }),
  'of a cluster, at once': async () => {
    const instance = await open({ cluster: nodes() });
    instance.cache.set('k', 1).catch(() => undefined);
    return instance;
  },
  'whose Redis was absent when it began': async () => {
    await server.kill();
    return open({ port: server.port, lazyConnect: true });
  },
  'whose Redis is gone': async () => {
    const instance = await open(single());
    await server.kill();
    await until(() => instance.cache.stats().redis!.errors > 3);
    return instance;
  },
  // On a clock that stands still, a pause never ends by itself.
  'in the middle of a pause between two attempts': async () => {
    const instance = await open(single(), { clock: new ManualClock() });
    await server.kill();
    await until(() => instance.cache.stats().redis!.errors > 1);
    return instance;
  },
  'that has something to tell to a Redis that is gone': async () => {
    const instance = await open(single());
    await server.kill();
    await instance.cache.delete('k');
    await until(() => instance.coherence.queued === 1);
    return instance;
  },
};

it.each(Object.keys(STATES))(
  'an instance %s closes within a second, and leaves nothing behind',
  async (state) => {
    await until(async () => held('TCPSocketWrap') === 0 && (await clients()) === 0);
    const timers = held('Timeout');
    const instance = await STATES[state]!();
    const begun = performance.now();
    await instance.close();
    expect(performance.now() - begun).toBeLessThan(1_000);
    // The nodes of a cluster say goodbye one after the other.
    await until(() => held('TCPSocketWrap') === 0, { timeout: 500, what: 'all sockets being closed' });
    // The test runner has one of its own now and then.
    await until(() => held('Timeout') <= timers, { timeout: 500, what: 'all timers being stopped' });
    await until(async () => (await clients()) === 0, { what: 'the servers having no clients any more' });
    const { events } = instance;
    expect(await failure(instance.cache.delete('k'))).toMatchObject({ code: 'CACHE_CLOSED' });
    await expect(instance.cache.getOrSet('later', () => 'loaded')).resolves.toBe('loaded');
    expect(events.filter(({ outcome }) => outcome === 'queued')).toHaveLength(
      state.includes('to tell') ? 1 : 0,
    );
  },
);

it('what is being invalidated when an instance is closed reaches the others', async () => {
  const instances = new Instances();
  const [p, q] = (await instances.openSeveral(2, { namespace: 'last', redis: single() })) as [
    Instance,
    Instance,
  ];
  await p.cache.setMany([['user:1', 1], ['user:2', 1], ['order:1', 1]], { tags: ['t'] }); // prettier-ignore
  await until(() => q.hasHeardOf(p));
  await q.cache.getMany(['user:1', 'user:2', 'order:1']);
  const last = Promise.all([
    p.cache.clearPattern('us*1'),
    p.cache.invalidate([], ['t'], ['no*such']),
    p.cache.set('user:2', 2),
  ]);
  await Promise.all([p.close(), last]);
  await until(() => q.hasHeardOf(p), { what: 'the other instance hearing of it' });
  expect(p.eventsOf('queued')).toStrictEqual([]);
  expect(['user:1', 'user:2', 'order:1'].map((key) => q.cache.peek(key))).toStrictEqual(
    Array(3).fill(undefined),
  );
  expect(await q.cache.getMany(['user:1', 'user:2', 'order:1'])).toStrictEqual(new Map([['user:2', 2]]));
  await q.close();
});

it('a Redis that hangs delays the end by no more than its time limits', async () => {
  const instance = await open(single());
  server.pause();
  const begun = performance.now();
  await instance.close();
  expect(performance.now() - begun).toBeLessThan(2_000);
  expect(held('TCPSocketWrap')).toBe(0);
});

describe.each<[string, () => Redis | Cluster]>([
  ['client', () => new Redis(server.port)],
  ['Cluster', () => new Cluster(nodes())],
])('a %s that is handed in', (_name, connect) => {
  it('stays open, and the connection that was opened beside it does not', async () => {
    await until(async () => (await clients()) === 0);
    const client = connect();
    await until(() => client.status === 'ready');
    await client.set('k', 1);
    const instance = await open({ client });
    await instance.cache.set('l', 1);
    const both = await clients();
    await instance.close();
    await expect(client.get('k')).resolves.toBe('1');
    await until(async () => (await clients()) < both);
    expect(client.listenerCount('ready')).toBe(0);
    client.disconnect();
    await until(async () => (await clients()) === 0, { what: 'the servers having no clients any more' });
  });
});

it('two caches of one process are two instances', async () => {
  const instances = new Instances();
  const [p, q] = (await instances.openSeveral(2, { namespace: 'two', redis: single() })) as [
    Instance,
    Instance,
  ];
  await p.cache.set('k', 1);
  await expect(q.cache.get('k')).resolves.toBe(1);
  await heardBy([q], p, () => p.cache.set('k', 2));
  expect([p.cache.peek('k'), q.cache.peek('k')]).toStrictEqual([2, undefined]);
  expect(p.coherence.instance).not.toBe(q.coherence.instance);
  await p.close();
  await q.cache.set('k', 3);
  await expect(q.cache.get('k')).resolves.toBe(3);
  await q.close();
});
