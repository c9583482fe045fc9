// Instances in processes of their own: one load per key among them all, killed ones, and clocks that are wrong.
import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { Deferred } from '../support/deferred.js';
import { startFaultProxy } from '../support/fault-proxy.js';
import { type RedisServer, startRedis, until } from '../support/redis-server.js';
import { Instances } from './instances.js';
import { Processes, type WorkerProcess } from './processes.js';
import { commandsOf } from './traffic.js';

const LEASE = 3_000;
const ROUNDS = 4;
let server: RedisServer;
/** Others whose commands are counted. */
let [counted, alsoCounted]: RedisServer[] = [];
const processes = new Processes();
const instances = new Instances();

beforeAll(async () => {
  [server, counted, alsoCounted] = await Promise.all([
    startRedis(),
    startRedis(),
    startRedis(),
    processes.build(),
  ]);
}, 60_000);
afterAll(async () => {
  await Promise.all([instances.close(), processes.stop()]);
  await Promise.all([server, counted, alsoCounted].map((one) => one!.stop()));
});

const start = (count: number, namespace: string, { port }: RedisServer): Promise<WorkerProcess[]> =>
  Promise.all(Array.from({ length: count }, () => processes.start({ namespace, redis: { port } })));

/**
 * Whoever is not answered in time loads by himself, and has to. On a busy machine that happens, and then such a round says
 * nothing about the others: another one begins, with instances that know nothing of it.
 * @param round makes everything anew; the numbers are what each instance could not do with Redis
 */
async function undisturbed<T extends { readonly errors: readonly number[] }>(
  round: (number: number) => Promise<T>,
): Promise<T> {
  for (let number = 1; ; number++) {
    const result = await round(number);
    if (number === ROUNDS || result.errors.every((count) => count === 0)) return result;
  }
}

async function loadInTen(round: number) {
  const workers = await start(10, `ten${round}`, server);
  const results = await Promise.all(
    workers.map((worker, i) =>
      worker.run('load', 'k', `of ${i}`, { callers: 100, takes: 1_500, tags: ['t'] }),
    ),
  );
  const stats = await Promise.all(workers.map((worker) => worker.run('stats')));
  return { workers, results, stats, errors: stats.map(({ redis }) => redis!.errors) };
}

// Side by side, since most of it is waiting.

it.concurrent('100 callers in each of 10 processes lead to one load', async () => {
  const { workers, results, stats } = await undisturbed(loadInTen);
  expect(results.reduce((sum, { loads }) => sum + loads, 0)).toBe(1);
  const values = results.flatMap((result) => result.values);
  expect(values).toHaveLength(1_000);
  expect(new Set(values).size).toBe(1);
  expect(stats.map(({ coherence }) => coherence!.leaseWaits).toSorted((a, b) => a - b)).toStrictEqual([
    0,
    ...Array(9).fill(1),
  ]);
  // All have it in memory now, and one invalidation takes it from all of them.
  await workers[3]!.run('call', 'invalidateTags', ['t']);
  for (const worker of workers) {
    await until(async () => (await worker.run('call', 'peek', 'k')) === undefined);
  }
});

it.concurrent('the holder of a lease that is killed costs the others no more than the lease', async () => {
  const [holder, ...others] = (await start(4, 'killed', counted!)) as [WorkerProcess, ...WorkerProcess[]];
  const lost = holder.run('load', 'k', 'never', { callers: 1, takes: 60_000 });
  lost.catch(() => undefined);
  await until(() => holder.loading.length === 1);
  await counted!.command('CONFIG', 'RESETSTAT');
  const waiting = others.map((other) => other.run('load', 'k', 'loaded', { callers: 10, takes: 100 }));
  await until(async () => (await commandsOf(counted!))['eval']! >= 2 * others.length, {
    what: 'others waiting',
  });
  await holder.kill();
  await expect(lost).rejects.toThrow('ended');
  const begun = performance.now();
  const results = await Promise.all(waiting);
  const took = performance.now() - begun;
  expect(results.flatMap(({ values }) => values)).toStrictEqual(Array(30).fill('loaded'));
  // The longest pause between two looks, and the load.
  expect(took).toBeLessThan(LEASE + 200 + 100 + 500);
  await expect(others[0]!.run('call', 'get', 'k', { tiers: ['redis'] })).resolves.toBe('loaded');
});

it.concurrent('those who wait ask Redis ever less often', async () => {
  const { values, took, commands, waits } = await undisturbed(waitOfTen);
  expect(values).toStrictEqual(Array(11).fill('loaded'));
  // Looks after 10, 30, 70, 150, 310 ms, and every 200 ms from then on; the first claim and, once a second, a renewal.
  const looks = 5 + Math.ceil((took - 310) / 200);
  const { eval: scripts, mget } = commands;
  expect(mget).toBe(10);
  expect(scripts).toBeLessThanOrEqual(10 * (1 + looks) + Math.ceil(took / 1_000) + 1);
  expect(scripts).toBeGreaterThan(10 * 3);
  expect(waits).toStrictEqual(Array(10).fill(1));
});

async function waitOfTen(round: number) {
  const options = { namespace: `waiting${round}`, redis: { port: alsoCounted!.port } };
  const [holder, ...waiting] = await instances.openSeveral(11, options);
  const load = new Deferred<string>();
  const loaded = holder!.cache.getOrSet('k', () => load.promise);
  await until(() => holder!.cache.stats().loadsRunning === 1);
  await alsoCounted!.command('CONFIG', 'RESETSTAT');
  const begun = performance.now();
  const calls = waiting.map(({ cache }) => cache.getOrSet('k', () => 'not this one'));
  await until(() => performance.now() - begun >= 2_000);
  load.resolve('loaded');
  const values = await Promise.all([loaded, ...calls]);
  return {
    values,
    took: performance.now() - begun,
    commands: await commandsOf(alsoCounted!),
    waits: waiting.map(({ coherence }) => coherence.leaseWaits),
    errors: [holder!, ...waiting].map(({ cache }) => cache.stats().redis!.errors),
  };
}

const OFF = 15 * 60_000;

it.concurrent(
  'wall clocks that are 15 minutes off change nothing: times to live, leases, invalidations',
  async () => {
    const options = { namespace: 'clocks', redis: { port: server.port } };
    const workers = await Promise.all([0, OFF, -OFF].map((shift) => processes.start(options, shift)));
    const clocks = await Promise.all(workers.map((worker) => worker.run('clock')));
    const minutes = clocks.map((clock) => Math.round((clock - Date.now()) / 60_000) + 0);
    expect(minutes).toStrictEqual([0, 15, -15]);
    for (const [i, writer] of workers.entries()) {
      const others = workers.filter((worker) => worker !== writer);
      const all = async (key: string): Promise<unknown[]> =>
        Promise.all(workers.map((worker) => worker.run('call', 'get', key)));
      const gone = async (key: string): Promise<unknown> =>
        until(async () => (await all(key)).every((value) => value === undefined), {
          what: `${key} being gone`,
        });

      const set = performance.now();
      await writer.run('call', 'set', 'short', i, { ttl: '400ms' });
      await writer.run('call', 'set', 'long', i, { ttl: '10m', tags: ['t'] });
      await writer.run('call', 'set', 'user:1', i, { ttl: '1m' });
      await until(async () => (await all('long')).every((value) => value === i));
      await until(async () => (await all('user:1')).every((value) => value === i));
      if (performance.now() - set < 300) expect(await all('short')).toStrictEqual([i, i, i]);
      await gone('short');
      expect(performance.now() - set).toBeGreaterThan(395);
      expect(await all('long')).toStrictEqual([i, i, i]);

      await writer.run('call', 'invalidateTags', ['t']);
      await gone('long');
      await writer.run('call', 'clearPattern', 'user:*');
      await gone('user:1');
      const loads = await Promise.all(
        [writer, ...others].map((worker) => worker.run('load', `k${i}`, i, { callers: 5, takes: 50 })),
      );
      expect(loads.reduce((sum, one) => sum + one.loads, 0)).toBe(1);
    }
    for (const worker of workers) {
      const { coherence } = await worker.run('stats');
      expect(coherence).toMatchObject({ inContact: true, resyncs: 0 });
      expect(coherence!.longestLagMs).toBeLessThan(2_000);
    }
  },
);

it.concurrent(
  'wall clocks that are 15 minutes off do not change what a process serves that hears nothing',
  async () => {
    const proxy = await startFaultProxy(server);
    const redis = { port: proxy.port, commandTimeout: 300 };
    const options = { namespace: 'silence', maxStaleness: '500ms' as const, redis };
    const workers = await Promise.all([OFF, -OFF].map((shift) => processes.start(options, shift)));
    for (const worker of workers) await worker.run('load', 'k', 'old', { callers: 1, takes: 0 });
    proxy.blackHole();
    const inMemory = (): Promise<unknown[]> =>
      Promise.all(workers.map((worker) => worker.run('call', 'peek', 'k')));
    expect(await inMemory()).toStrictEqual(['old', 'old']);
    await until(async () => (await inMemory()).every((value) => value === undefined));
    // On a busy machine one may be over before both were asked.
    await until(async () => {
      await Promise.all(workers.map((worker) => worker.run('load', 'k', 'young', { callers: 1, takes: 0 })));
      return (await inMemory()).every((value) => value === 'young');
    });
    await until(async () => (await inMemory()).every((value) => value === undefined));
    await proxy.heal();
    await until(async () => (await workers[0]!.run('stats')).coherence!.inContact);
    await proxy.stop();
  },
);
