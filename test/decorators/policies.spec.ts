// Policies on decorators, and as defaults of a cache: they mean what they mean per call.
import { Injectable } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { afterEach, describe, expect, it } from '@jest/globals';

import { CachedMethod, CacheManager, type EntryOptions } from '../../lib/index.js';
import { benchOf, closeBenches, TOPOLOGIES } from '../support/caches.js';
import { breathe, Deferred, failure } from '../support/deferred.js';
import type { ManualClock } from '../support/manual-clock.js';

const POLICIES = {
  ttl: '10s',
  staleWhileRevalidate: '5s',
  staleIfError: '1m',
  refreshAhead: 0.5,
  loadTimeout: { soft: '100ms', hard: '1s' },
  negativeTtl: '1s',
} as const;

/** What the next loads come to. */
class Origin {
  loads = 0;
  next: (() => Promise<string | null>)[] = [];

  load(): Promise<string | null> {
    this.loads++;
    return this.next.shift()!();
  }
}

@Injectable()
class Decided extends Origin {
  @CachedMethod({ key: 'rate', ...POLICIES, unless: (rate: string | null) => rate === 'preview' })
  rate(): Promise<string | null> {
    return this.load();
  }
}

@Injectable()
class Undecided extends Origin {
  @CachedMethod({ key: 'rate', unless: (rate: string | null) => rate === 'preview' })
  rate(): Promise<string | null> {
    return this.load();
  }
}

const apps: TestingModule[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
  await closeBenches();
});

describe.each(['on the decorator', 'as defaults'] as const)('%s', (where) => {
  describe.each(TOPOLOGIES)('%s', (topology) => {
    async function open(): Promise<{ rates: Decided | Undecided; clock: ManualClock; cache: CacheManager }> {
      const Rates = where === 'as defaults' ? Undecided : Decided;
      const defaults: EntryOptions = where === 'as defaults' ? POLICIES : {};
      const { cache, clock } = await benchOf(topology, { maxStaleness: '30d', defaults });
      const app = await Test.createTestingModule({
        providers: [Rates, { provide: CacheManager, useValue: cache }],
      }).compile();
      apps.push(app);
      const rates: Decided | Undecided = app.get(Rates);
      rates.next.push(async () => 'first');
      expect(await rates.rate()).toBe('first');
      return { rates, clock, cache };
    }

    it('staleWhileRevalidate', async () => {
      const { rates, clock } = await open();
      clock.advance(12_000);
      rates.next.push(async () => 'second');
      expect(await rates.rate()).toBe('first');
      await breathe();
      expect(await rates.rate()).toBe('second');
    });

    it('staleIfError, with a pause', async () => {
      const { rates, clock } = await open();
      clock.advance(20_000);
      rates.next.push(() => Promise.reject(new Error('down')));
      expect([await rates.rate(), await rates.rate()]).toStrictEqual(['first', 'first']);
      expect(rates.loads).toBe(2);
    });

    it('refreshAhead', async () => {
      const { rates, clock } = await open();
      clock.advance(6_000);
      rates.next.push(async () => 'second');
      expect(await rates.rate()).toBe('first');
      await breathe();
      expect(await rates.rate()).toBe('second');
    });

    it('loadTimeout', async () => {
      const { rates, clock, cache } = await open();
      clock.advance(20_000);
      const slow = new Deferred<string>();
      rates.next.push(() => slow.promise);
      const soft = rates.rate();
      await clock.pass(100);
      expect(await soft).toBe('first');
      slow.resolve('second');
      await breathe();
      await cache.delete('rate');
      rates.next.push(() => new Promise(() => {}));
      const hard = failure(rates.rate());
      await clock.pass(1_000);
      expect(await hard).toMatchObject({ code: 'CACHE_LOAD_TIMEOUT' });
    });

    it('negativeTtl, and unless', async () => {
      const { rates, clock, cache } = await open();
      await cache.delete('rate');
      rates.next.push(async () => null, async () => 'preview', async () => 'third'); // prettier-ignore
      expect([await rates.rate(), await rates.rate()]).toStrictEqual([null, null]);
      clock.advance(70_000);
      expect([await rates.rate(), await rates.rate(), await rates.rate()]).toStrictEqual([
        'preview',
        'third',
        'third',
      ]);
    });
  });
});
