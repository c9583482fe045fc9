// Invalidations that Redis cannot be told of at once. P and Q are instances on one Redis.
import { afterEach, describe, expect, it } from '@jest/globals';

import { SHARED_TOPOLOGIES } from '../support/caches.js';
import { breathe, Deferred, failure } from '../support/deferred.js';
import { closeInstances, type Instance, openPair } from './instances.js';

const LOST = new Error('connection lost');

afterEach(closeInstances);

/** Redis could not be told of one key; it can be reached again, and the key is on its way. Everything waits from now on. */
async function sendFirst(p: Instance, key: string): Promise<void> {
  p.store.failure = LOST;
  await p.cache.delete(key);
  p.store.failure = undefined;
  p.store.hold();
  await p.clock.pass(100);
}

/** Lets the invalidation that was sent first of those under way be carried out and answered. */
async function tell({ store }: Instance): Promise<void> {
  for (const node of ['entries', 'clock'] as const) {
    store.execute(1, node);
    store.reply(1, node);
    await breathe();
  }
}

describe.each(SHARED_TOPOLOGIES)('%s', (topology) => {
  const inMemory = topology.startsWith('memory');

  const pair = (): Promise<[p: Instance, q: Instance]> =>
    openPair(topology, ['k:1', 'k:2', 'kept'].map((key) => [key, 'old', [`tag of ${key}`]] as const)); // prettier-ignore

  it('are applied here at once, and by the others as soon as Redis can be told', async () => {
    const [p, q] = await pair();
    p.store.failure = LOST;
    await p.cache.delete('k:1');
    await p.cache.invalidateTags(['tag of k:2']);
    expect(p.cache.stats().coherence?.queued).toBe(2);
    await expect(p.cache.getMany(['k:1', 'k:2'])).resolves.toStrictEqual(new Map());
    await expect(q.cache.getMany(['k:1', 'k:2'])).resolves.toStrictEqual(
      new Map([['k:1', 'old'], ['k:2', 'old']]), // prettier-ignore
    );
    await p.clock.pass(3_000);
    p.store.failure = undefined;
    const announced = p.store.count('announce');
    await p.clock.pass(1_000);
    expect(p.store.count('announce')).toBe(announced + 1);
    expect(p.events.story).toStrictEqual(['queued', 'queued', 'replayed']);
    for (const { cache } of [p, q]) {
      await expect(cache.getMany(['k:1', 'k:2', 'kept'])).resolves.toStrictEqual(new Map([['kept', 'old']]));
      expect(cache.stats().coherence?.resyncs).toBe(0);
    }
  });

  it('keep this instance from reading in Redis what it has invalidated, and from storing there', async () => {
    const [p, q] = await pair();
    p.store.failure = LOST;
    await p.cache.delete('k:1');
    p.store.failure = undefined;
    // Redis can be reached again and does not know yet.
    const before = p.store.calls.length;
    for (const read of [
      p.cache.get('k:1'),
      p.cache.get('k:1', { tiers: ['redis'] }),
      (async () => (await p.cache.getMany(['k:1'])).get('k:1'))(),
      (async () => ((await p.cache.has('k:1')) ? 'there' : undefined))(),
    ]) {
      await expect(read).resolves.toBeUndefined();
    }
    await expect(p.cache.getOrSet('k:1', () => 'new')).resolves.toBe('new');
    await expect(p.cache.get('k:1')).resolves.toBe(inMemory ? 'new' : undefined);
    expect(p.store.calls).toHaveLength(before);
    await p.clock.pass(200);
    await expect(p.cache.get('k:1')).resolves.toBe(inMemory ? 'new' : undefined);
    await expect(q.cache.get('k:1')).resolves.toBeUndefined();
    await expect(p.cache.get('kept', { tiers: ['redis'] })).resolves.toBe('old');
  });

  it('of a set leave the new value here, and no value in Redis', async () => {
    const [p, q] = await pair();
    p.store.failure = LOST;
    await p.cache.set('k:1', 'new');
    await p.cache.setMany([['k:2', 'new']]); // prettier-ignore
    const place = () => ({ key: 'kept', options: {} });
    await p.cache.setResult(async () => 'new', place);
    expect(p.cache.stats().coherence?.queued).toBe(3);
    p.store.failure = undefined;
    await p.clock.pass(500);
    for (const key of ['k:1', 'k:2', 'kept']) {
      expect(p.cache.peek(key)).toBe(inMemory ? 'new' : undefined);
      await expect(q.cache.get(key)).resolves.toBeUndefined();
    }
    expect(p.redis.keys()).toStrictEqual([]);
  });

  it('are told again when it is not known whether Redis was told', async () => {
    const [p, q] = await pair();
    p.store.hold();
    const done = [p.cache.delete('k:1'), p.cache.set('k:2', 'new')];
    await breathe();
    p.store.execute(Infinity);
    p.store.lose(LOST);
    p.store.release();
    await Promise.all(done);
    await p.clock.pass(500);
    expect(p.events.story).toContain('replayed');
    expect(p.cache.peek('k:2')).toBe(inMemory ? 'new' : undefined);
    await expect(q.cache.get('k:1')).resolves.toBeUndefined();
    expect(['new', undefined]).toContain(await q.cache.get('k:2'));
    expect(p.cache.stats().coherence).toMatchObject({ queued: 0, resyncs: 0 });
  });

  it('that come while others are being sent are sent after them at once, and keep it from reading in Redis until then', async () => {
    const [p, q] = await pair();
    await sendFirst(p, 'k:1');
    await p.cache.delete('k:2');
    expect(p.cache.stats().coherence?.queued).toBe(2);
    await tell(p);
    await expect(q.cache.get('k:1')).resolves.toBeUndefined();
    await expect(q.cache.get('k:2')).resolves.toBe('old');
    expect(p.cache.stats().coherence?.queued).toBe(1);
    await expect(p.cache.get('k:2')).resolves.toBeUndefined();
    await expect(p.cache.get('kept', { tiers: ['redis'] })).resolves.toBeUndefined();
    await tell(p);
    expect(p.cache.stats().coherence?.queued).toBe(0);
    expect(p.events.story).toStrictEqual(['queued', 'queued', 'replayed']);
    p.store.release();
    await expect(q.cache.get('k:2')).resolves.toBeUndefined();
    await expect(p.cache.get('kept', { tiers: ['redis'] })).resolves.toBe('old');
  });

  it('are over with the second sending, however many come all the time', async () => {
    const [p, q] = await pair();
    let serial = 0;
    const more = (): Promise<boolean> => p.cache.delete(`x:${serial++}`);
    await sendFirst(p, 'k:1');
    // Until something was sent they wait: Redis is not known to answer.
    for (let i = 0; i < 100; i++) await more();
    await tell(p);
    // From now on some are always on their way to Redis. Time stands still: nobody pauses.
    const direct = [more(), more()];
    await breathe();
    expect(p.cache.stats().coherence?.queued).toBe(100);
    expect(p.store.waiting().filter((kind) => kind === 'remove')).toHaveLength(3);
    await tell(p);
    expect(p.cache.stats().coherence?.queued).toBe(0);
    expect(p.store.waiting().filter((kind) => kind === 'remove')).toHaveLength(2);
    expect(p.events.of('queued')).toHaveLength(101);
    expect(p.events.of('replayed')).toHaveLength(1);
    p.store.release();
    await Promise.all(direct);
    await expect(p.cache.get('kept', { tiers: ['redis'] })).resolves.toBe('old');
    await expect(q.cache.get('k:1')).resolves.toBeUndefined();
  });

  it('that fail while the rest is being sent wait, and are not lost', async () => {
    const [p, q] = await pair();
    await sendFirst(p, 'x');
    await p.cache.delete('y');
    await tell(p);
    const direct = [p.cache.delete('k:1'), p.cache.set('k:2', 'new')];
    await breathe();
    p.store.failure = LOST;
    p.store.release();
    await Promise.all(direct);
    await breathe();
    expect(p.cache.stats().coherence?.queued).toBe(3);
    const asked = p.store.calls.length;
    for (const key of ['k:1', 'kept']) {
      await expect(p.cache.get(key, { tiers: ['redis'] })).resolves.toBeUndefined();
    }
    // Redis does not answer again: nothing is tried but what waits, and not before 100 ms are over.
    await p.cache.delete('z');
    expect(p.store.calls).toHaveLength(asked);
    p.store.failure = undefined;
    await p.clock.pass(100);
    expect(p.cache.stats().coherence?.queued).toBe(0);
    expect(p.events.of('replayed')).toHaveLength(1);
    expect(p.cache.peek('k:2')).toBe(inMemory ? 'new' : undefined);
    for (const key of ['k:1', 'k:2']) await expect(q.cache.get(key)).resolves.not.toBe('old');
    await expect(p.cache.get('k:1')).resolves.toBeUndefined();
    await expect(p.cache.get('kept', { tiers: ['redis'] })).resolves.toBe('old');
  });

  it('are tried as often as at first when something was sent in between', async () => {
    const [p] = await pair();
    p.store.failure = LOST;
    await p.cache.delete('k:1');
    await p.clock.pass(100 + 200 + 400 + 800);
    p.store.failure = undefined;
    p.store.hold();
    await p.clock.pass(1_000);
    await p.cache.delete('k:2');
    await tell(p);
    p.store.failure = LOST;
    p.store.release();
    await breathe();
    expect(p.cache.stats().coherence?.queued).toBe(1);
    p.store.failure = undefined;
    await p.clock.pass(99);
    expect(p.cache.stats().coherence?.queued).toBe(1);
    await p.clock.pass(1);
    expect(p.cache.stats().coherence?.queued).toBe(0);
  });

  it('that are too many together with those that could not be sent become one of everything', async () => {
    const [p, q] = await pair();
    const keys = (from: number): string[] => Array.from({ length: 6_000 }, (_, i) => `x${from + i}`);
    p.store.failure = LOST;
    await p.cache.deleteMany(keys(0));
    p.store.hold();
    await p.clock.pass(100);
    await p.cache.deleteMany(keys(6_000));
    expect(p.cache.stats().coherence?.queued).toBe(12_000);
    p.store.release();
    await breathe();
    expect(p.cache.stats().coherence?.queued).toBe(1);
    expect(p.events.story).toStrictEqual(['queued', 'queued', 'queued overflow']);
    p.store.failure = undefined;
    await p.clock.pass(500);
    await expect(q.cache.get('kept')).resolves.toBeUndefined();
  });

  it('are all told when the cache closes while some are being sent', async () => {
    const [p, q] = await pair();
    await sendFirst(p, 'k:1');
    await p.cache.delete('k:2');
    const closed = p.close();
    await breathe();
    p.store.release();
    await closed;
    await breathe();
    for (const key of ['k:1', 'k:2']) await expect(q.cache.get(key)).resolves.toBeUndefined();
  });

  it('that are too many become one of everything', async () => {
    const [p, q] = await pair();
    p.store.failure = LOST;
    const keys = (from: number): string[] => Array.from({ length: 5_000 }, (_, i) => `x${from + i}`);
    await p.cache.deleteMany(keys(0));
    await p.cache.deleteMany(keys(5_000));
    expect(p.events.story).toStrictEqual(['queued', 'queued']);
    await p.cache.deleteMany(['one more']);
    expect(p.events.story).toStrictEqual(['queued', 'queued', 'queued overflow']);
    expect(p.cache.stats().coherence?.queued).toBe(1);
    // Here only what was named is invalid.
    expect(p.cache.peek('kept')).toBe(inMemory ? 'old' : undefined);
    p.store.failure = undefined;
    await p.clock.pass(500);
    await expect(q.cache.get('kept')).resolves.toBeUndefined();
  });

  it('that name the same again and again wait as one', async () => {
    const [p] = await pair();
    p.store.failure = LOST;
    for (let i = 0; i < 50; i++) {
      await p.cache.delete('k:1');
      await p.cache.invalidateTags(['t']);
      await p.cache.clearPattern('k:*');
      await p.cache.clearPattern('*:1');
    }
    expect(p.cache.stats().coherence?.queued).toBe(4);
  });

  it('are tried more and more seldom, down to once a second', async () => {
    const [p] = await pair();
    p.store.failure = LOST;
    await p.cache.delete('k:1');
    const before = p.store.count('remove');
    const tries: number[] = [];
    for (const ms of [100, 200, 400, 800, 1_000, 1_000]) {
      await p.clock.pass(ms);
      tries.push(p.store.count('remove') - before);
    }
    expect(tries).toStrictEqual([1, 2, 3, 4, 5, 6]);
  });

  it('break loads that began before them, whose results stay out of both tiers', async () => {
    const [p, q] = await pair();
    await p.cache.clear();
    const row = new Deferred<string>();
    const load = p.cache.getOrSet('k:1', () => row.promise);
    await breathe();
    p.store.failure = LOST;
    await p.cache.delete('k:1');
    p.store.failure = undefined;
    row.resolve('old');
    await expect(load).resolves.toBe('old');
    await p.clock.pass(500);
    for (const { cache } of [p, q]) await expect(cache.get('k:1')).resolves.toBeUndefined();
  });

  it('are tried once more when the cache closes', async () => {
    const [p, q] = await pair();
    p.store.failure = LOST;
    await p.cache.delete('k:1');
    p.store.failure = undefined;
    await p.close();
    await breathe();
    await expect(q.cache.get('k:1')).resolves.toBeUndefined();
  });

  it('do not keep it from closing', async () => {
    const [p] = await pair();
    p.store.failure = LOST;
    await p.cache.delete('k:1');
    await expect(p.close()).resolves.toBeUndefined();
    expect(await failure(p.cache.delete('k:1'))).toMatchObject({ code: 'CACHE_CLOSED' });
  });
});
