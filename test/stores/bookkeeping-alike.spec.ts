// What decides over fills, joins and announcements is in scripts; the tests of races go by a server that stands for Redis. Both
// have to do what is written here.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';

import type { ClockReading } from '../../lib/coherence/feed.js';
import { EVERYTHING, type Invalidation, invalidationOf } from '../../lib/coherence/invalidation.js';
import { decodeMessage } from '../../lib/coherence/message.js';
import { hashesOf, slotOf, tagHash } from '../../lib/coherence/slots.js';
import type { Guard, RemoteStore } from '../../lib/stores/store.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';
import { SETTINGS } from './redis-helpers.js';
import { claim, realWorld, reclaim, steppedWorld, type World } from './worlds.js';

const TTL = 1_000_000;
const FOREIGN = 'ffeeddccbbaa9988';
const [P, Q] = ['0011223344556677', '8899aabbccddeeff'] as const;
const KEY = 'ns:user:1';
const LEASE = Buffer.from('tl1 a lease');
const VALUE = Buffer.from('a value');
const HASHES = hashesOf('user:1', ['t']);
const SLOTS = new Set(HASHES.map((hash) => slotOf(hash, SETTINGS.slots)));
/** Of a tag that has none of the slots of the others here. */
const UNRELATED = invalidationOf({
  tags: ['a', 'b', 'c', 'd'].filter((tag) => !SLOTS.has(slotOf(tagHash(tag), SETTINGS.slots))).slice(0, 1),
});

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

const WORLDS: Readonly<Record<string, () => World>> = {
  Redis: () => realWorld(server),
  'what stands for it': steppedWorld,
};

describe.each(Object.keys(WORLDS))('%s', (name) => {
  let world: World;
  let store: RemoteStore;
  let start: Required<ClockReading>;

  beforeEach(async () => {
    world = WORLDS[name]!();
    store = await world.open(P);
    start = (await store.feed.join(undefined, false)) as Required<ClockReading>;
    await store.change([{ kind: 'remove', key: KEY }]);
  });
  afterEach(() => world.close());

  const announce = async (invalidation: Invalidation, by = store): Promise<Required<ClockReading>> =>
    (await by.change([], invalidation)).reading as Required<ClockReading>;

  describe('a fill', () => {
    const lease = (bytes = LEASE): Promise<unknown> => claim(store, KEY, bytes, TTL);

    /** Of a value with the tag `t`. */
    async function fill(guard: Partial<Guard> = {}, value = VALUE): Promise<unknown> {
      const whole = { ...start, hashes: HASHES, ...guard };
      const change = { kind: 'fill', key: KEY, lease: LEASE, value, ttl: TTL, guard: whole } as const;
      return (await store.change([change])).results[0];
    }

    it('is stored if nothing was invalidated', async () => {
      await lease();
      expect(await fill()).toBe(true);
      expect(await world.read(KEY)).toBe(VALUE.toString('hex'));
    });

    it.each([
      ['its tag', invalidationOf({ tags: ['t'] })],
      ['a prefix of its key', invalidationOf({ prefixes: ['user:'] })],
      ['everything', EVERYTHING],
    ])('is refused if %s was invalidated after its load began, and gives the key free', async (_, what) => {
      await lease();
      await announce(what);
      await announce(UNRELATED);
      expect(await fill()).toBe(false);
      expect(await world.read(KEY)).toBeUndefined();
    });

    it('is stored if its slots moved exactly when its load began, and others since', async () => {
      const { clock } = await announce(
        invalidationOf({ tags: ['t'], prefixes: ['user:', ''], keys: ['user:1'] }),
      );
      await announce(UNRELATED);
      await lease();
      expect(await fill({ clock })).toBe(true);
    });

    it('is stored if it began with the clock as it is', async () => {
      const { clock } = await announce(EVERYTHING);
      await lease();
      expect(await fill({ clock })).toBe(true);
    });

    it.each<[string, (reading: ClockReading) => Partial<Guard>]>([
      ['as of a number that was not given yet', ({ clock }) => ({ clock: clock + 1 })],
      ['of another epoch', () => ({ epoch: FOREIGN })],
      ['of another epoch, with nothing that could have moved', () => ({ epoch: FOREIGN, hashes: [] })],
    ])('%s is refused', async (_, guardOf) => {
      await lease();
      expect(await fill(guardOf(await announce(UNRELATED)))).toBe(false);
      expect(await world.read(KEY)).toBeUndefined();
    });

    it('is refused if there is no clock', async () => {
      await lease();
      await world.deleteClock();
      expect(await fill()).toBe(false);
      expect(await world.read(KEY)).toBeUndefined();
    });

    it('is refused if its lease is gone, or is that of another', async () => {
      expect(await fill()).toBe(false);
      expect(await world.read(KEY)).toBeUndefined();
      const theirs = Buffer.from('tl1 a lesse');
      await lease(theirs);
      expect(await fill()).toBe(false);
      expect(await world.read(KEY)).toBe(theirs.toString('hex'));
    });

    it('that is asked for again is stored already, whatever was invalidated since', async () => {
      await lease();
      await fill();
      await announce(EVERYTHING);
      expect(await fill()).toBe(true);
      expect(await fill({}, Buffer.from('another'))).toBe(false);
      expect(await world.read(KEY)).toBe(VALUE.toString('hex'));
    });
  });

  describe('a lease behind a value', () => {
    const take = (lease: Buffer, now: number): Promise<unknown> =>
      reclaim(store, { kind: 'reclaim', key: KEY, head: VALUE, length: VALUE.length, lease, now, ttl: TTL });
    const [first, second] = [Buffer.from('tl1 first'), Buffer.from('tl1 other')];

    it('is had by one until its time is over', async () => {
      await store.change([{ kind: 'set', key: KEY, value: VALUE, ttl: TTL }]);
      expect(await take(first, 0)).toBe(true);
      expect(await take(second, 1)).toStrictEqual(first);
      expect(await take(second, TTL - 1)).toStrictEqual(first);
      expect(await take(second, TTL)).toBe(true);
      expect(await take(first, TTL)).toStrictEqual(second);
    });

    it('is not had without the value', async () => {
      expect(await take(first, 0)).toBe(false);
      await claim(store, KEY, second, TTL);
      expect(await take(first, 0)).toBe(false);
      expect(await world.read(KEY)).toBe(second.toString('hex'));
    });
  });

  describe('an announcement', () => {
    it('is given the next number, a later tip, and says so in stream and clock', async () => {
      const what = invalidationOf({ keys: ['k'], tags: ['t', 'u'], prefixes: ['p:'] });
      const one = await announce(what);
      const other = await announce(invalidationOf({ keys: ['l'] }), await world.open(Q));
      expect([one, other]).toMatchObject([
        { epoch: start.epoch, clock: start.clock + 1 },
        { epoch: start.epoch, clock: start.clock + 2 },
      ]);
      expect(one.tip).toBeGreaterThan(start.tip);
      expect(other.tip).toBeGreaterThan(one.tip);
      const { reading, messages, more } = await world.messages(store, start.clock);
      expect(reading).toStrictEqual(other);
      expect(more).toBe(false);
      expect(messages).toMatchObject([
        { ...one, before: start.tip },
        { ...other, before: one.tip },
      ]);
      expect(messages.every(({ sentAt }) => sentAt > 0)).toBe(true);
      expect(messages.map((message) => decodeMessage(message))).toStrictEqual([
        { origin: P, invalidation: what },
        { origin: Q, invalidation: invalidationOf({ keys: ['l'] }) },
      ]);
      expect((await world.messages(store, one.clock)).messages).toStrictEqual([messages[1]]);
    });

    it('moves its slots, and no others', async () => {
      const { clock } = await announce(invalidationOf({ keys: ['k'], tags: ['t'], prefixes: [''] }));
      await announce(invalidationOf({ keys: ['k'] }));
      const { slots } = await store.feed.join(undefined, false);
      const moved = [...slots].flatMap((at, slot) => (at === 0 ? [] : [[slot, at]]));
      expect(moved).toStrictEqual([[0, clock], [slotOf(tagHash('t'), SETTINGS.slots), clock]]); // prettier-ignore
      expect(slots).toHaveLength(SETTINGS.slots);
    });

    it('makes a clock where there is none, and begins the stream anew', async () => {
      await announce(EVERYTHING);
      await world.deleteClock();
      const { epoch, clock } = await announce(invalidationOf({ keys: ['k'] }));
      expect(epoch).not.toBe(start.epoch);
      const { messages } = await world.messages(store, 0);
      expect(messages).toMatchObject([{ epoch, clock, before: 0 }]);
      const { slots } = await store.feed.join(undefined, false);
      expect(slots.every((at) => at === 0)).toBe(true);
    });

    it('gets through although its number is in the stream already', async () => {
      await world.inject(start.clock);
      const { clock } = await announce(EVERYTHING);
      expect((await world.messages(store, 0)).messages).toMatchObject([{ clock, epoch: start.epoch }]);
    });
  });

  describe('who joins', () => {
    type Seen = Partial<ClockReading>;
    /** Two invalidations happened; what the caller says that he has seen is the first or the second but for `differing`. */
    async function join(which: 0 | 1, differing: Seen = {}, lost = false): Promise<[boolean, ClockReading]> {
      const readings = [await announce(EVERYTHING), await announce(EVERYTHING)] as const;
      const seen = { ...readings[which], ...differing };
      const snapshot = await store.feed.join(seen, lost);
      return [snapshot.epoch === start.epoch, snapshot];
    }

    it.each<[string, 0 | 1, Seen]>([
      ['the last invalidation', 1, {}],
      ['the one before', 0, {}],
      ['the last one, and does not know its tip', 1, { tip: undefined }],
      ['one of another epoch', 1, { epoch: FOREIGN }],
      ['one of another epoch with another tip', 1, { epoch: FOREIGN, tip: 7 }],
    ])('goes on if he has seen %s', async (_, which, differing) => {
      const [goesOn, { clock, tip }] = await join(which, differing);
      expect(goesOn).toBe(true);
      expect(clock).toBe(start.clock + 2);
      expect(tip).toBeGreaterThan(start.tip);
    });

    it.each<[string, 0 | 1, Seen]>([
      ['the last number, given to another invalidation', 1, { tip: 7 }],
      ['an earlier number, given to another invalidation', 0, { tip: 7 }],
    ])('begins a new epoch if he has seen %s', async (_, which, differing) => {
      const [goesOn, { clock }] = await join(which, differing);
      expect(goesOn).toBe(false);
      expect(clock).toBeGreaterThan(start.clock + 2);
      expect((await world.messages(store, 0)).messages).toStrictEqual([]);
    });

    it.each(['', FOREIGN])('begins a new epoch beyond a number that was not given yet %s', async (epoch) => {
      const clock = start.clock + 1_000_000_000_000;
      const [goesOn, made] = await join(1, { clock, ...(epoch && { epoch }) });
      expect(goesOn).toBe(false);
      expect(made.clock).toBe(clock + 1);
    });

    it('begins a new epoch if the number he has seen is one more than there were', async () => {
      expect(await join(1, { clock: start.clock + 3 })).toMatchObject([false, {}]);
    });

    it('begins a new epoch if he knows that something was lost, unless that has been done', async () => {
      const [goesOn, { epoch }] = await join(1, {}, true);
      expect(goesOn).toBe(false);
      expect(await store.feed.join({ ...start, clock: start.clock + 2 }, true)).toMatchObject({ epoch });
    });

    it('is told by the clock alone whose the last number is', async () => {
      const { clock } = await announce(EVERYTHING);
      await world.deleteStream();
      const { epoch } = await store.feed.join({ ...start, clock, tip: 7 }, false);
      expect(epoch).not.toBe(start.epoch);
    });

    it('cannot tell whose a number was that neither clock nor stream has', async () => {
      const { clock } = await announce(EVERYTHING);
      await announce(EVERYTHING);
      await world.deleteStream();
      expect(await store.feed.join({ ...start, clock, tip: 7 }, false)).toMatchObject({ epoch: start.epoch });
    });

    it('finds out that a replica took over which lacked what he was told', async () => {
      const takeOver = await world.replicate();
      const told = await announce(EVERYTHING);
      await takeOver();
      for (const _ of [1, 2]) await announce(UNRELATED, await world.open(Q));
      const { epoch } = await store.feed.join(told, false);
      expect(epoch).not.toBe(start.epoch);
    });

    it('is told the codec of who joined before', async () => {
      const other = await world.open(Q, 'mine.1');
      const codecs: string[] = [];
      for (const one of [other, store, store]) codecs.push((await one.feed.join(undefined, false)).codec);
      expect(codecs).toStrictEqual([SETTINGS.codec, 'mine.1', SETTINGS.codec]);
    });

    it('clears away what is not ours', async () => {
      await announce(EVERYTHING);
      await world.inject(start.clock + 1);
      expect((await world.messages(store, start.clock)).messages).toHaveLength(2);
      await store.feed.join(undefined, false);
      expect((await world.messages(store, start.clock)).messages).toStrictEqual([]);
    });
  });
});
