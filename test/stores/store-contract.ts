import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { RemoteStore } from '../../lib/stores/store.js';
import { until } from '../support/redis-server.js';
import {
  bytes,
  collect,
  entry,
  failure,
  checkOrder,
  readPatiently,
  setMany,
  deleteMany,
} from './store-helpers.js';

/** Tests of several stores may share a server. */
let run = 0;

/**
 * What every store has to do, whatever it keeps bytes in.
 * @param open a new store on what may be in use by other stores: the suite keeps to keys that begin with its prefix
 */
export function describeStoreContract(name: string, open: () => Promise<RemoteStore>): void {
  describe(`${name} as a store`, () => {
    let store: RemoteStore;
    let prefix: string;
    const key = (rest: string): string => prefix + rest;

    beforeEach(async () => {
      store = await open();
      prefix = `contract-${process.pid}-${++run}:`;
    });
    afterEach(() => store.close());

    it('gives values in the order asked, undefined for what is not there', async () => {
      await setMany(store, [entry(key('a'), 'A'), entry(key('b'), 'B')]);
      const found = await readPatiently(store, [key('b'), key('none'), key('a')]);
      expect(found).toEqual([bytes('B'), undefined, bytes('A')]);
    });

    it('gives a value for each time its key is asked', async () => {
      await setMany(store, [entry(key('a'), 'A')]);
      expect(await readPatiently(store, [key('a'), key('a'), key('x'), key('a')])).toEqual([
        bytes('A'),
        bytes('A'),
        undefined,
        bytes('A'),
      ]);
    });

    it('takes nothing for an answer', async () => {
      expect(await readPatiently(store, [])).toEqual([]);
      expect(await deleteMany(store, [])).toEqual([]);
      await expect(setMany(store, [])).resolves.toBeUndefined();
      expect(await collect(store.scan(key('nothing')))).toEqual([]);
    });

    it('keeps bytes as they are: none, every one, a megabyte of them', async () => {
      const values = [
        Buffer.alloc(0),
        Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
        Buffer.from('\r\n$-1\r\n'),
        Buffer.alloc(1_000_000, 0xfe),
      ];
      const keys = values.map((_, i) => key(`${i}`));
      await setMany(
        store,
        values.map((value, i) => ({ key: keys[i]!, value, ttl: 60_000 })),
      );
      const found = await readPatiently(store, keys);
      expect(found.map((value, i) => value?.equals(values[i]!))).toEqual([true, true, true, true]);
    });

    it('keeps keys apart, whatever characters they have', async () => {
      const keys = ['é', 'e', '日本語', '😀', '{tag}', 'a b', 'line\nbreak', '\\', '*', '"'].map(key);
      await setMany(
        store,
        keys.map((k) => entry(k, k)),
      );
      expect(await readPatiently(store, keys)).toEqual(keys.map(bytes));
    });

    it('forgets an entry when its ttl is over, in milliseconds', async () => {
      await setMany(store, [entry(key('short'), 'x', 40), entry(key('long'), 'x', 60_000)]);
      const [short, long] = await readPatiently(store, [key('short'), key('long')]);
      expect([short ?? bytes('x'), long]).toEqual([bytes('x'), bytes('x')]);
      await until(async () => (await readPatiently(store, [key('short')]))[0] === undefined, {
        timeout: 1_000,
      });
      expect(await readPatiently(store, [key('long')])).toEqual([bytes('x')]);
    });

    it('replaces value and ttl', async () => {
      await setMany(store, [entry(key('a'), 'old', 30)]);
      await setMany(store, [entry(key('a'), 'new', 60_000), entry(key('probe'), 'x', 30)]);
      await until(async () => (await readPatiently(store, [key('probe')]))[0] === undefined);
      expect(await readPatiently(store, [key('a')])).toEqual([bytes('new')]);
    });

    it('keeps the last of several values of one call', async () => {
      await setMany(store, [entry(key('a'), '1'), entry(key('a'), '2'), entry(key('a'), '3')]);
      expect(await readPatiently(store, [key('a')])).toEqual([bytes('3')]);
    });

    it('says of each key removed whether it was there, in the order asked', async () => {
      await setMany(store, [entry(key('a'), 'A'), entry(key('b'), 'B')]);
      expect(await deleteMany(store, [key('x'), key('b'), key('a'), key('b')])).toEqual([
        false,
        true,
        true,
        false,
      ]);
      expect(await readPatiently(store, [key('a'), key('b')])).toEqual([undefined, undefined]);
    });

    it('shows a write to the reads called after it, awaited or not', async () => {
      const written = setMany(store, [entry(key('a'), '1')]);
      const seen = store.getMany([key('a')]);
      const removed = deleteMany(store, [key('a')]);
      const gone = store.getMany([key('a')]);
      await written;
      // A read may see a later write of its tick, but never misses an earlier one.
      expect([undefined, '1']).toContain((await seen)[0]?.toString());
      expect(await removed).toEqual([true]);
      expect(await gone).toEqual([undefined]);
    });

    it('keeps the order of writes and reads on each key over many ticks', async () => {
      const keys = Array.from({ length: 8 }, (_, i) => key(`order:${i}`));
      await expect(checkOrder(store, keys, 60, undefined, true)).resolves.toBeUndefined();
    });

    it('finds all keys with a prefix, and no other', async () => {
      const keys = Array.from({ length: 2_500 }, (_, i) => key(`scan:${i}`));
      await setMany(
        store,
        [...keys, key('scan'), key('scam:1'), `x${key('scan:1')}`].map((k) => entry(k, '')),
      );
      expect(new Set(await collect(store.scan(key('scan:'))))).toEqual(new Set(keys));
    });

    it('finds what was written before in the same tick', async () => {
      const written = setMany(store, [entry(key('tick:1'), ''), entry(key('tick:2'), '')]);
      const found = await collect(store.scan(key('tick:')));
      await written;
      expect(found.toSorted()).toEqual([key('tick:1'), key('tick:2')]);
    });

    it('finds keys in batches of bounded size', async () => {
      await setMany(
        store,
        Array.from({ length: 5_000 }, (_, i) => entry(key(`batch:${i}`), '')),
      );
      const sizes: number[] = [];
      for await (const batch of store.scan(key('batch:'))) sizes.push(batch.length);
      expect(Math.min(...sizes)).toBeGreaterThan(0);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(2_000);
    });

    it.each(['*', '?', '[a-z]', '[^a]', '[', ']', '\\', '\\*', 'a*', '{', '}', '^', '-'])(
      'takes %j in a prefix literally',
      async (special) => {
        const inside = key(`${special}:1`);
        await setMany(
          store,
          [inside, key('b:1'), key('ab:1'), key('\\b:1'), key(':1')].map((k) => entry(k, '')),
        );
        expect(await collect(store.scan(key(`${special}:`)))).toEqual([inside]);
      },
    );

    it('can be stopped while it lists keys', async () => {
      await setMany(
        store,
        Array.from({ length: 3_000 }, (_, i) => entry(key(`stop:${i}`), '')),
      );
      for await (const batch of store.scan(key('stop:'))) {
        expect(batch.length).toBeGreaterThan(0);
        break;
      }
      expect(await readPatiently(store, [key('stop:0')])).toEqual([bytes('')]);
    });

    it('has a clock that goes on', async () => {
      const before = store.now();
      expect(Math.abs(before - Date.now())).toBeLessThan(60_000);
      await until(() => store.now() > before);
    });

    it('refuses calls once it is closed, and can be closed again', async () => {
      await store.close();
      await store.close();
      const closed = { code: 'CACHE_CLOSED' };
      expect(await failure(store.getMany([key('a')]))).toMatchObject(closed);
      expect(await failure(store.getMany([]))).toMatchObject(closed);
      expect(await failure(setMany(store, [entry(key('a'), '')]))).toMatchObject(closed);
      expect(await failure(deleteMany(store, [key('a')]))).toMatchObject(closed);
      expect(await failure(collect(store.scan(key(''))))).toMatchObject(closed);
    });

    it('sends what was called before it is closed', async () => {
      const written = setMany(store, [entry(key('last'), 'x')]);
      await Promise.all([written, store.close()]);
      store = await open();
      expect(await readPatiently(store, [key('last')])).toEqual([bytes('x')]);
    });
  });
}
