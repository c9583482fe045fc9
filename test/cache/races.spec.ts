// Loads and reads in the air while something is invalidated: every order in which the two can meet.
import { afterEach, describe, expect, it } from '@jest/globals';

import type { CacheManager } from '../../lib/index.js';
import { ALL_TOPOLOGIES, benchOf, closeBenches, SHARED_TOPOLOGIES } from '../support/caches.js';
import { Deferred, settle } from '../support/deferred.js';

const KEY = 'user:1:posts';

/** Everything that makes KEY, tagged `posts`, unusable. */
const INVALIDATIONS: readonly [string, (cache: CacheManager) => Promise<unknown>][] = [
  ['delete', (cache) => cache.delete(KEY)],
  ['deleteMany', (cache) => cache.deleteMany(['x', KEY])],
  ['invalidateTags', (cache) => cache.invalidateTags(['posts'])],
  ['a prefix pattern', (cache) => cache.clearPattern('user:1:*')],
  ['a general pattern', (cache) => cache.clearPattern('*:p?sts')],
  ['clear', (cache) => cache.clear()],
  ['set with ttl 0', (cache) => cache.set(KEY, 'unused', { ttl: 0 })],
];

let others = 0;

/** How the load of KEY comes to carry its tag. */
const LOADS: readonly [
  string,
  (cache: CacheManager, row: () => Promise<string>) => Promise<string | undefined>,
][] = [
  ['getOrSet', (cache, row) => cache.getOrSet(KEY, row, { tags: ['posts'] })],
  ['getOrSet, tags from the value', (cache, row) => cache.getOrSet(KEY, row, { tags: () => ['posts'] })],
  [
    'getOrSet, tags added by the loader',
    (cache, row) =>
      cache.getOrSet(KEY, async ({ addTags }) => {
        const value = await row();
        addTags(['posts']);
        return value;
      }),
  ],
  [
    'getOrSetMany',
    async (cache, row) =>
      (
        await cache.getOrSetMany([`other ${others++}`, KEY], async () => new Map([[KEY, await row()]]), {
          tags: ['posts'],
        })
      ).get(KEY),
  ],
];

describe.each(ALL_TOPOLOGIES)('%s', (topology) => {
  afterEach(closeBenches);

  describe.each(LOADS)('%s', (_, load) => {
    it.each(INVALIDATIONS)(
      'a load that %s overtakes is neither stored nor joined',
      async (_name, invalidate) => {
        const { cache } = await benchOf(topology);
        const old = new Deferred<string>();
        const early = load(cache, () => old.promise);
        await settle();
        await invalidate(cache);

        const fresh = new Deferred<string>();
        const late = load(cache, () => fresh.promise);
        fresh.resolve('new');
        await settle();
        // Whoever cannot know yet whether the tag concerns the earlier load waits for it.
        old.resolve('old');
        await expect(early).resolves.toBe('old');
        await expect(late).resolves.toBe('new');
        await expect(cache.get(KEY)).resolves.toBe('new');
      },
    );

    it.each(INVALIDATIONS)('a load that %s overtakes leaves nothing behind', async (_name, invalidate) => {
      const { cache, redis } = await benchOf(topology);
      const old = new Deferred<string>();
      const early = load(cache, () => old.promise);
      await settle();
      await invalidate(cache);
      old.resolve('old');
      await expect(early).resolves.toBe('old');
      await expect(cache.get(KEY)).resolves.toBeUndefined();
      expect(cache.peek(KEY)).toBeUndefined();
      expect(redis.keys().filter((key) => key.endsWith(KEY))).toStrictEqual([]);
      expect(redis.keys({ leases: true })).toStrictEqual([]);
      expect(cache.stats().refusedFills).toBe(1);
    });

    it('a set overtakes it', async () => {
      const { cache } = await benchOf(topology);
      const old = new Deferred<string>();
      const early = load(cache, () => old.promise);
      await settle();
      await cache.set(KEY, 'set');
      old.resolve('old');
      await expect(early).resolves.toBe('old');
      await expect(cache.get(KEY)).resolves.toBe('set');
    });

    it('an invalidation of something else does not disturb it', async () => {
      const { cache } = await benchOf(topology);
      const row = new Deferred<string>();
      const first = load(cache, () => row.promise);
      await settle();
      await cache.delete('user:2:posts');
      await cache.clearPattern('user:2:*');
      await cache.clearPattern('*:comments');
      const second = load(cache, () => Promise.resolve('a load of its own'));
      row.resolve('row');
      await expect(first).resolves.toBe('row');
      await expect(second).resolves.toBe('row');
      await expect(cache.get(KEY)).resolves.toBe('row');
    });
  });

  it.each(INVALIDATIONS)(
    'a method whose result is to be stored, overtaken by %s, stores nothing',
    async (_n, invalidate) => {
      const { cache } = await benchOf(topology);
      const row = new Deferred<string>();
      const place = () => ({ key: KEY, options: { tags: ['posts'] } });
      const update = cache.setResult(() => row.promise, place);
      await settle();
      await invalidate(cache);
      row.resolve('older');
      await expect(update).resolves.toBe('older');
      await expect(cache.get(KEY)).resolves.toBeUndefined();
    },
  );

  it('of two methods that overlap, neither leaves its result: nobody knows which is newer', async () => {
    const { cache } = await benchOf(topology);
    const [first, second] = [new Deferred<string>(), new Deferred<string>()];
    const place = () => ({ key: KEY, options: {} });
    const updates = [
      cache.setResult(() => first.promise, place),
      cache.setResult(() => second.promise, place),
    ];
    await settle();
    second.resolve('second');
    await updates[1];
    await expect(cache.get(KEY)).resolves.toBe('second');
    first.resolve('first');
    await updates[0];
    await expect(cache.get(KEY)).resolves.toBeUndefined();
  });

  it('a method stores its result when nothing, or something else, was invalidated while it ran', async () => {
    const { cache } = await benchOf(topology);
    const row = new Deferred<string>();
    const update = cache.setResult(
      () => row.promise,
      (result) => ({ key: result, options: { tags: ['posts'] } }),
    );
    await settle();
    await cache.deleteMany(['user:2']);
    await cache.invalidateTags(['comments']);
    await cache.clearPattern('user:2:*');
    await cache.clearPattern('*:comments');
    row.resolve(KEY);
    await update;
    await expect(cache.get(KEY)).resolves.toBe(KEY);
    await expect(
      cache.setResult(
        () => Promise.resolve('x'),
        () => undefined,
      ),
    ).resolves.toBe('x');
  });

  it('shares a load however many other tags are invalidated meanwhile', async () => {
    const { cache } = await benchOf(topology);
    const row = new Deferred<string>();
    const reads = [cache.getOrSet(KEY, () => row.promise)];
    for (let i = 0; i < 5; i++) {
      await settle();
      await cache.invalidateTags([`unrelated ${i}`]);
      reads.push(cache.getOrSet(KEY, () => `load ${i}`));
    }
    await settle();
    row.resolve('row');
    await expect(Promise.all(reads)).resolves.toStrictEqual(reads.map(() => 'row'));
    await expect(cache.get(KEY)).resolves.toBe('row');
    expect(cache.stats()).toMatchObject({ loads: 1, coalesced: 5, refusedFills: 0 });
  });

  it('does not wait for a load that is known to carry the tag', async () => {
    const { cache } = await benchOf(topology);
    const row = new Deferred<string>();
    const early = cache.getOrSet(KEY, () => row.promise, { tags: ['posts'] });
    await settle();
    await cache.invalidateTags(['posts']);
    await expect(cache.getOrSet(KEY, () => 'new')).resolves.toBe('new');
    row.resolve('old');
    await expect(early).resolves.toBe('old');
    await expect(cache.get(KEY)).resolves.toBe('new');
  });

  it('does not share that there is nothing, if any tag was invalidated since', async () => {
    const { cache } = await benchOf(topology);
    const row = new Deferred<undefined>();
    const early = cache.getOrSet<string | undefined>(KEY, () => row.promise);
    await settle();
    await cache.invalidateTags(['posts']);
    const late = cache.getOrSet<string | undefined>(KEY, () => 'new');
    row.resolve(undefined);
    await expect(early).resolves.toBeUndefined();
    await expect(late).resolves.toBe('new');
  });

  it('waits for two loads at most, however often its tag is invalidated', async () => {
    const { cache } = await benchOf(topology);
    const rows = Array.from({ length: 3 }, () => new Deferred<string>());
    const tagged = { tags: () => ['posts'] };
    const reads = [cache.getOrSet(KEY, () => rows[0]!.promise, tagged)];
    await settle();
    await cache.invalidateTags(['posts']);
    for (const row of rows.slice(1)) reads.push(cache.getOrSet(KEY, () => row.promise, tagged));
    rows[0]!.resolve('first');
    await settle();
    await cache.invalidateTags(['posts']);
    rows[1]!.resolve('second');
    await expect(Promise.all(reads)).resolves.toStrictEqual(['first', 'second', 'second']);
  });

  it('a later load is not ended by the landing of an earlier one', async () => {
    const { cache } = await benchOf(topology);
    const [old, fresh] = [new Deferred<string>(), new Deferred<string>()];
    const early = cache.getOrSet(KEY, () => old.promise);
    await settle();
    await cache.delete(KEY);
    const late = cache.getOrSet(KEY, () => fresh.promise);
    await settle();
    old.resolve('old');
    await early;
    const joined = cache.getOrSet(KEY, () => 'a third load');
    fresh.resolve('new');
    await expect(Promise.all([late, joined])).resolves.toStrictEqual(['new', 'new']);
  });
});

describe.each(SHARED_TOPOLOGIES)('%s: commands and replies under way', (topology) => {
  afterEach(closeBenches);

  const READS: readonly [string, (cache: CacheManager) => Promise<unknown>][] = [
    ['get', (cache) => cache.get(KEY)],
    ['getMany', async (cache) => (await cache.getMany([KEY, 'x'])).get(KEY)],
    ['getOrSet', (cache) => cache.getOrSet(KEY, () => 'loaded')],
    [
      'getOrSetMany',
      async (cache) => (await cache.getOrSetMany([KEY], () => new Map([[KEY, 'loaded']]))).get(KEY),
    ],
  ];

  describe.each(READS)('%s', (_, read) => {
    it.each(INVALIDATIONS)(
      'answered before %s, read after it, is not copied into memory',
      async (_n, invalidate) => {
        const { cache, store } = await benchOf(topology);
        await cache.set(KEY, 'old', { tags: ['posts'], tiers: ['redis'] });
        store.hold();
        store.feed.hold();
        const early = read(cache);
        await settle();
        store.execute(); // Redis has answered; the reply is under way
        const invalidated = invalidate(cache);
        await settle();
        store.release();
        await invalidated;
        await expect(early).resolves.toBe('old');
        expect(cache.peek(KEY)).toBeUndefined();
        await expect(cache.get(KEY)).resolves.toBeUndefined();
      },
    );

    it.each(INVALIDATIONS)(
      'begun while %s waits for Redis, it stores nothing older',
      async (_n, invalidate) => {
        const { cache, store } = await benchOf(topology);
        await cache.set(KEY, 'old', { tags: ['posts'] });
        store.hold();
        const invalidated = invalidate(cache);
        await settle();
        const during = read(cache);
        await settle();
        store.release();
        await Promise.all([invalidated, during]);
        await expect(cache.get(KEY)).resolves.not.toBe('old');
      },
    );
  });

  it('a fill sent before an invalidation does not survive it', async () => {
    for (const [, invalidate] of INVALIDATIONS) {
      const { cache, store } = await benchOf(topology);
      const row = new Deferred<string>();
      const early = cache.getOrSet(KEY, () => row.promise, { tags: ['posts'] });
      await settle();
      store.hold();
      row.resolve('old');
      await settle();
      expect(store.waiting()).toStrictEqual(['fill']);
      const invalidated = invalidate(cache);
      await settle();
      store.release();
      await Promise.all([early, invalidated]);
      await expect(cache.get(KEY)).resolves.toBeUndefined();
      await closeBenches();
    }
  });

  it('of two sets the later one stays, whatever is still under way', async () => {
    const { cache, store } = await benchOf(topology);
    store.hold();
    const first = cache.set(KEY, 'first');
    const second = cache.set(KEY, 'second');
    await settle();
    store.release();
    await Promise.all([first, second]);
    await expect(cache.get(KEY)).resolves.toBe('second');
    await expect(cache.get(KEY, { tiers: ['redis'] })).resolves.toBe('second');
  });

  it.each([undefined, ['redis'], ['redis', 'memory']] as const)(
    'a read that a set of %p overtakes at the store brings nothing older into memory',
    async (tiers) => {
      const { cache, store } = await benchOf(topology);
      await cache.set(KEY, 'old', { tiers: ['redis'] });
      const old = await store.getMany([`cache:${KEY}`]);
      const written = new Deferred<void>();
      // As when a cluster redirects the one command and not the other.
      const change = store.change.bind(store);
      store.change = async (...args) => (await written.promise, change(...args));
      store.getMany = () => Promise.resolve(old);
      const set = cache.set(KEY, 'new', { tiers });
      await settle();
      const [read] = (await cache.getMany([KEY], { tiers: ['redis'] })).values();
      const [copied] = (await cache.getMany([KEY])).values();
      expect(read).toBe('old');
      written.resolve();
      await set;
      expect([undefined, 'new']).toContain(cache.peek(KEY));
      if (topology.startsWith('memory') && tiers?.length !== 1) expect(copied).toBe('new');
    },
  );

  it('a set is a barrier for reads of the remote tier that were answered before it', async () => {
    const { cache, store } = await benchOf(topology);
    await cache.set(KEY, 'old', { tiers: ['redis'] });
    store.hold();
    const early = cache.get(KEY);
    await settle();
    store.execute();
    const written = cache.set(KEY, 'new');
    store.release();
    await Promise.all([early, written]);
    await expect(cache.get(KEY)).resolves.toBe('new');
  });
});
