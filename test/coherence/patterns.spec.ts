// Patterns that are no prefixes have to be looked for in Redis: how often that is done when there are many of them.
import { afterEach, describe, expect, it } from '@jest/globals';

import type { CacheManager } from '../../lib/index.js';
import { SHARED_TOPOLOGIES } from '../support/caches.js';
import { breathe } from '../support/deferred.js';
import type { SteppedConnection } from '../support/stepped-connection.js';
import { closeInstances, type Instance, openPair } from './instances.js';

afterEach(closeInstances);

const USERS = [1, 2, 3].flatMap((user) => ['posts', 'likes'].map((what) => `user:${user}:${what}`));
const KEYS = [...USERS, 'order:1:lines', 'café:1', 'cafè:1'];

/** What the scans so far were for. */
const prefixesOf = ({ calls }: SteppedConnection): string[] =>
  calls.filter(({ kind }) => kind === 'scan').map(({ keys }) => keys[0]!);

describe.each(SHARED_TOPOLOGIES)('%s', (topology) => {
  const pair = (): Promise<[p: Instance, q: Instance]> =>
    openPair(topology, KEYS.map((key) => [key, 'old', []] as const)); // prettier-ignore

  /** What a newcomer would find. */
  const left = async ({ cache }: Instance): Promise<string[]> => [
    ...(await cache.getMany(KEYS, { tiers: ['redis'] })).keys(),
  ];

  it('those of one invalidation that begin alike are one scan', async () => {
    const [p, q] = await pair();
    await p.cache.invalidate([], [], ['user:*:posts', 'user:?:likes', 'user:*:posts']);
    expect(prefixesOf(p.store)).toStrictEqual(['cache:user:']);
    expect(p.events.all.filter(({ outcome }) => outcome === 'scanned')).toMatchObject([
      { what: ['user:*:posts', 'user:?:likes'], looked: 6, entries: 6 },
    ]);
    for (const instance of [p, q]) await expect(left(instance)).resolves.toStrictEqual(KEYS.slice(6));
  });

  it('those that begin differently are one for each beginning, if they are few', async () => {
    const [p] = await pair();
    await p.cache.invalidate([], [], ['user:1:*s', 'order:?:lines', 'user:1:?ikes']);
    expect(prefixesOf(p.store)).toStrictEqual(['cache:user:1:', 'cache:order:']);
    await expect(left(p)).resolves.toStrictEqual([...USERS.slice(2), ...KEYS.slice(7)]);
  });

  it.each([
    [['user:1:p*s', 'user:1:l*s', 'user:2:p*s', 'user:2:l*s', 'user:3:*s'], 'cache:user:', KEYS.slice(6)],
    [[...USERS.map((key) => `${key}?`), '*:1:lines'], 'cache:', [...USERS, ...KEYS.slice(7)]],
    // They have half of a character in common.
    [['\u{1f600}?', '\u{1f601}?', '\u{1f602}?', '\u{1f603}?', '\u{1f604}?'], 'cache:', KEYS],
  ])('those that begin in many ways are one: %j', async (patterns, prefix, rest) => {
    const [p] = await pair();
    await p.cache.invalidate([], [], patterns);
    expect(prefixesOf(p.store)).toStrictEqual([prefix]);
    await expect(left(p)).resolves.toStrictEqual(rest);
  });

  it('those of many calls at once are a few, none of which holds up others for long', async () => {
    const [p, q] = await pair();
    await Promise.all(Array.from({ length: 200 }, (_, i) => p.cache.clearPattern(`user:?:${i}*`)));
    await Promise.all(['user:?:posts', '?af?:1'].map((pattern) => p.cache.clearPattern(pattern)));
    const scans = prefixesOf(p.store);
    expect(scans).toStrictEqual([...Array.from({ length: 4 }, () => 'cache:user:'), 'cache:user:', 'cache:']);
    const rest = [...USERS.filter((key) => key.endsWith('likes')), 'order:1:lines'];
    for (const instance of [p, q]) await expect(left(instance)).resolves.toStrictEqual(rest);
  });

  it('what comes while a scan is under way is looked for by another one that begins later', async () => {
    const [p, q] = await pair();
    const done: Promise<unknown>[] = [];
    const clear = (cache: CacheManager, pattern: string) => done.push(cache.clearPattern(pattern));
    p.store.hold();
    clear(p.cache, 'user:*:posts');
    await breathe();
    p.store.execute();
    // The scan does not find it any more.
    await q.cache.set('user:9:posts', 'old');
    for (const pattern of ['user:9:*s', 'order:*s']) clear(p.cache, pattern);
    await breathe();
    expect(prefixesOf(p.store)).toHaveLength(1);
    p.store.release();
    await Promise.all(done);
    expect(prefixesOf(p.store)).toStrictEqual(['cache:user:', 'cache:user:9:', 'cache:order:']);
    await expect(q.cache.get('user:9:posts', { tiers: ['redis'] })).resolves.toBeUndefined();
  });

  it('a scan that fails is queued for all it was for, and the next one begins anew', async () => {
    const [p, q] = await pair();
    p.store.hold();
    const done = ['user:*:posts', 'user:*:likes'].map((pattern) => p.cache.clearPattern(pattern));
    await breathe();
    const later = p.cache.clearPattern('order:*s');
    p.store.failure = new Error('connection lost');
    p.store.execute();
    p.store.failure = undefined;
    p.store.release();
    await Promise.all([...done, later]);
    expect(p.cache.stats().coherence?.queued).toBe(2);
    await expect(left(q)).resolves.toStrictEqual([...USERS, ...KEYS.slice(7)]);
    await p.clock.pass(100);
    expect(p.cache.stats().coherence?.queued).toBe(0);
    expect(prefixesOf(p.store)).toStrictEqual(['cache:user:', 'cache:order:', 'cache:user:']);
    await expect(left(q)).resolves.toStrictEqual(KEYS.slice(7));
  });
});
