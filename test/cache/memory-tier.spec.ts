import { afterEach, describe, expect, it } from '@jest/globals';

import { Coherence } from '../../lib/coherence/coherence.js';
import { invalidationOf } from '../../lib/coherence/invalidation.js';
import { Trust } from '../../lib/coherence/trust.js';
import { Recorder } from '../../lib/observability/recorder.js';
import { Entry } from '../../lib/tiers/entry.js';
import { MemoryTier } from '../../lib/tiers/memory-tier.js';
import { benchOf, closeBenches } from '../support/caches.js';
import { ManualClock } from '../support/manual-clock.js';

function tierOf(clock: ManualClock, trust = new Trust(Infinity), coarse = clock) {
  const recorder = new Recorder('test', '0000000000000000');
  const coherence = new Coherence(65_536, trust);
  const options = { maxSize: 100_000, maxBytes: undefined, longest: undefined };
  return {
    recorder,
    coherence,
    tier: new MemoryTier(options, clock, coarse, coherence.clock, trust, recorder),
  };
}

function entry(ttl: number, now: number): Entry {
  const one = new Entry(Buffer.from('1'), 0, 0, undefined);
  one.live({ fresh: ttl, stale: ttl, refresh: Infinity }, now);
  return one;
}

describe('the memory tier', () => {
  afterEach(closeBenches);

  it('holds 1,000 entries by default', async () => {
    const { cache } = await benchOf('memory');
    await cache.setMany(Array.from({ length: 1001 }, (_, i) => [`k${i}`, i] as const));
    expect(cache.stats().memory).toMatchObject({ entries: 1000, evictions: { maxSize: 1, maxBytes: 0 } });
    expect(cache.peek('k0')).toBeUndefined();
  });

  it('evicts the least recently used entry', async () => {
    const { cache } = await benchOf('memory', { memory: { maxSize: 2 } });
    await cache.set('a', 1);
    await cache.set('b', 2);
    await cache.get('a');
    cache.peek('b');
    await cache.has('b');
    await cache.set('c', 3);
    expect([cache.peek('a'), cache.peek('b'), cache.peek('c')]).toStrictEqual([1, undefined, 3]);
  });

  it('stays within maxBytes, and says that bytes were the reason', async () => {
    const { cache } = await benchOf('memory', { memory: { maxSize: 100, maxBytes: '1kb' } });
    for (let i = 0; i < 10; i++) await cache.set(`k${i}`, 'x'.repeat(300));
    const { entries, bytes, evictions } = cache.stats().memory!;
    expect(entries).toBe(3);
    expect(bytes).toBeGreaterThan(900);
    expect(bytes).toBeLessThanOrEqual(1024);
    expect(evictions).toStrictEqual({ maxSize: 0, maxBytes: 7 });
    expect(cache.peek('k9')).toBe('x'.repeat(300));
  });

  it('goes by the exact clock as soon as a clock that is behind might matter', () => {
    const clock = new ManualClock();
    const coarse = new ManualClock();
    const trust = new Trust(1_000);
    const { tier } = tierOf(clock, trust, coarse);
    trust.heardUpTo(clock.now());
    tier.put('k', entry(60_000, clock.now()));
    clock.advance(501);
    coarse.advance(501);
    expect(tier.get('k')).toBeDefined();
    clock.advance(500);
    expect([tier.get('k'), tier.peek('k')]).toStrictEqual([undefined, undefined]);
    trust.heardUpTo(clock.now());
    expect(tier.get('k')).toBeDefined();
  });

  it('does not hold what is larger than maxBytes, nor what that replaces', async () => {
    const { cache } = await benchOf('memory', { memory: { maxBytes: '1kb' } });
    await cache.set('other', 1);
    await cache.set('k', 'small');
    await cache.set('k', 'x'.repeat(2000));
    expect([cache.peek('k'), cache.peek('other')]).toStrictEqual([undefined, 1]);
    await expect(cache.getOrSet('k', () => 'y'.repeat(2000))).resolves.toHaveLength(2000);
  });

  it('is not prevented from collecting by expired entries: a sweep drops them', async () => {
    const clock = new ManualClock();
    const { tier, coherence, recorder } = tierOf(clock);
    for (let i = 0; i < 10_000; i++) tier.put(`k${i}`, entry(i % 2 === 0 ? 10 : 1e6, clock.now()));
    for (let i = 0; i < 100; i++) tier.put(`gone:${i}`, entry(1e6, clock.now()));
    coherence.apply(invalidationOf({ prefixes: ['gone:'] }));
    clock.advance(10);
    await tier.sweep();
    expect(tier.size).toBe(5_000);
    expect(recorder.snapshot({ entries: 0, bytes: 0 }, undefined).memory?.expirations).toBe(5_000);
    tier.close();
  });

  it('goes on sweeping rightly while entries are used and dropped', async () => {
    const clock = new ManualClock();
    const { tier } = tierOf(clock);
    for (let i = 0; i < 9_000; i++) tier.put(`k${i}`, entry(i % 3 === 0 ? 10 : 1e6, clock.now()));
    clock.advance(10);
    const sweep = tier.sweep();
    for (let i = 0; i < 9_000; i += 7) tier.get(`k${i}`);
    for (let i = 0; i < 9_000; i += 5) tier.delete(`k${i}`);
    await sweep;
    for (let i = 0; i < 20; i++) await tier.sweep();
    const kept = Array.from({ length: 9_000 }, (_, i) => i).filter((i) => i % 3 !== 0 && i % 5 !== 0);
    expect(tier.size).toBe(kept.length);
    for (const i of kept) expect(tier.peek(`k${i}`)).toBeDefined();
    tier.close();
  });

  it('holds nothing after it was closed', async () => {
    const { cache, close } = await benchOf('memory');
    await cache.set('k', 1);
    await close();
    expect(cache.peek('k')).toBeUndefined();
    expect(cache.stats().memory?.entries).toBe(0);
  });
});
