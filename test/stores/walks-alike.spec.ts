// Whatever is done in whatever order, Redis and the server that stands for it in the tests of races answer the same.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';

import type { ClockReading, Poll, Snapshot } from '../../lib/coherence/feed.js';
import { invalidationOf } from '../../lib/coherence/invalidation.js';
import { hashesOf } from '../../lib/coherence/slots.js';
import type { RemoteStore } from '../../lib/stores/store.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';
import { claim, realWorld, steppedWorld, type World } from './worlds.js';

const RUNS = 100;
const TTL = 1_000_000;
const KEY = 'ns:user:1';
const FOREIGN = 'ffeeddccbbaa9988';
const LEASES = [Buffer.from('tl1 first'), Buffer.from('tl1 other')];
const VALUES = [Buffer.from('a value'), Buffer.from('another')];

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

const DEEDS = [
  'announce',
  'claim',
  'fill',
  'join',
  'poll',
  'remove',
  'forget',
  'stream',
  'copy',
  'back',
] as const;
const WEIGHTS: Readonly<Partial<Record<(typeof DEEDS)[number], number>>> = { announce: 6, claim: 4, fill: 4, join: 3, poll: 2 }; // prettier-ignore

interface Step {
  readonly deed: (typeof DEEDS)[number];
  readonly tags: string[];
  readonly prefixes: string[];
  /** Which of the readings so far it goes by, counted from the last; what is added to its number; what is wrong with it. */
  readonly back: number;
  readonly ahead: number;
  readonly wrong: 'epoch' | 'tip' | 'nothing';
  readonly lost: boolean;
  readonly which: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  deed: fc.oneof(...DEEDS.map((deed) => ({ weight: WEIGHTS[deed] ?? 1, arbitrary: fc.constant(deed) }))),
  tags: fc.subarray(['t', 'u'], { maxLength: 1 }),
  prefixes: fc.subarray(['', 'user:', 'page:'], { maxLength: 1 }),
  back: fc.nat({ max: 3 }),
  ahead: fc.constantFrom(0, 0, 0, 0, 1),
  wrong: fc.constantFrom('nothing', 'nothing', 'nothing', 'epoch', 'tip'),
  lost: fc.constantFrom(false, false, false, true),
  which: fc.nat({ max: 1 }),
});

/** Puts in place of epochs, numbers and tips, which no two servers have in common, what they have to do with each other. */
class Names {
  readonly #epochs = new Map<string, { readonly name: string; readonly base: number }>();
  readonly #tips = new Map<number, number>([[0, 0]]);

  reading({ epoch, clock, tip }: ClockReading): unknown {
    if (!this.#epochs.has(epoch))
      this.#epochs.set(epoch, { name: `epoch ${this.#epochs.size}`, base: clock });
    const { name, base } = this.#epochs.get(epoch)!;
    return [name, clock - base, this.#tip(tip)];
  }

  snapshot({ slots, codec, ...reading }: Snapshot): unknown {
    const moved = [...slots].flatMap((at, slot) => (at === 0 ? [] : [[slot, reading.clock - at]]));
    return [this.reading(reading), codec, slots.length, moved];
  }

  poll({ reading, messages, more }: Poll): unknown {
    const told = messages.map((one) => [this.reading(one as ClockReading), this.#tip(one.before), one.body]);
    return [reading && this.reading(reading), told, more];
  }

  #tip(tip: number | undefined): unknown {
    if (tip === undefined) return undefined;
    if (!this.#tips.has(tip)) this.#tips.set(tip, this.#tips.size);
    return this.#tips.get(tip);
  }
}

/** One world, and what was heard of it: only what was heard in the epoch that is now is gone by. */
class Walk {
  readonly #names = new Names();
  #heard: ClockReading[] = [];
  #copy: { readonly heard: readonly ClockReading[]; readonly back: () => Promise<unknown> } | undefined;

  constructor(
    private readonly world: World,
    private readonly store: RemoteStore,
  ) {}

  async start(): Promise<unknown> {
    return this.#note(await this.store.feed.join(undefined, false));
  }

  async take({ deed, tags, prefixes, back, ahead, wrong, lost, which }: Step): Promise<unknown> {
    const { world, store } = this;
    const heard = this.#heard.at(-1 - (back % this.#heard.length))!;
    const tip = wrong === 'tip' ? 7 : heard.tip!;
    const reading = { epoch: wrong === 'epoch' ? FOREIGN : heard.epoch, clock: heard.clock + ahead, tip };
    switch (deed) {
      case 'announce':
        return this.#note((await store.change([], invalidationOf({ keys: ['k'], tags, prefixes }))).reading!);
      case 'claim':
        return claim(store, KEY, LEASES[which]!, TTL);
      case 'fill': {
        const guard = { ...reading, hashes: hashesOf('user:1', ['t']) };
        const [lease, value] = [LEASES[which]!, VALUES[which]!];
        return store.change([{ kind: 'fill', key: KEY, lease, value, ttl: TTL, guard }]);
      }
      case 'join':
        return this.#note(await store.feed.join(reading, lost));
      case 'poll':
        return this.#names.poll(await world.messages(store, heard.clock));
      case 'remove':
        return store.change([{ kind: 'remove', key: KEY }]);
      case 'forget':
        await world.deleteClock();
        // What a new clock begins with is later than the old one only if time has gone on: nobody has seen anything.
        this.#copy = undefined;
        return this.#note(await store.feed.join(undefined, false));
      case 'stream':
        return void (await world.deleteStream());
      case 'copy':
        this.#copy = { heard: [...this.#heard], back: await world.replicate() };
        return undefined;
      case 'back':
        await this.#copy?.back();
        if (this.#copy?.heard[0]!.epoch !== this.#heard[0]!.epoch) this.#heard = [...(this.#copy?.heard ?? this.#heard)]; // prettier-ignore
        return undefined;
    }
  }

  #note(reading: ClockReading | Snapshot): unknown {
    if (reading.epoch !== this.#heard[0]?.epoch) this.#heard = [];
    this.#heard.push({ epoch: reading.epoch, clock: reading.clock, tip: reading.tip! });
    return 'slots' in reading ? this.#names.snapshot(reading) : this.#names.reading(reading);
  }
}

/** @returns what was answered, and what was under the key then */
async function play(world: World, steps: readonly Step[]): Promise<unknown[]> {
  try {
    const store = await world.open('0011223344556677');
    await store.change([{ kind: 'remove', key: KEY }]);
    const walk = new Walk(world, store);
    const seen = [await walk.start()];
    for (const one of steps) {
      const result = await walk.take(one);
      seen.push([one.deed, JSON.stringify(result), await world.read(KEY)]);
    }
    return seen;
  } finally {
    await world.close();
  }
}

it('the bookkeeping in Redis is what the tests of races take it for', async () => {
  const property = fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
    expect(await play(realWorld(server), steps)).toStrictEqual(await play(steppedWorld(), steps));
  });
  await fc.assert(property, { numRuns: RUNS });
});
