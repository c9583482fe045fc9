// Random histories: writers change a database and invalidate, readers read through the cache, and every load, command and
// reply takes as long as chance wants. No reader may get less than what was acknowledged before it began.
import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { benchOf, closeBenches, type Topology, TOPOLOGIES } from '../support/caches.js';
import { Deferred } from '../support/deferred.js';

const KEYS = ['a:1', 'a:2', 'b:1'] as const;
type Key = (typeof KEYS)[number];

/** A moment for promise callbacks to run, without giving replies or timers a chance. */
async function breathe(): Promise<void> {
  for (let i = 0; i < 30; i++) await Promise.resolve();
}

class History {
  /** What the database holds: a row per key, which is a counter. */
  readonly rows = new Map<Key, number>(KEYS.map((key) => [key, 0]));
  /** What a reader who begins now must see at least. */
  readonly floor = new Map<Key, number>(KEYS.map((key) => [key, 0]));
  readonly violations: string[] = [];
  readonly pending = new Set<Promise<unknown>>();
  /** Loads that have not read their row yet, and loads that have read it and not returned. */
  readonly loads: (() => void)[] = [];

  private constructor(private readonly bench: Awaited<ReturnType<typeof benchOf>>) {}

  static async in(topology: Topology): Promise<History> {
    const bench = await benchOf(topology);
    bench.store.hold();
    return new History(bench);
  }

  async run(choices: readonly number[]): Promise<void> {
    for (const choice of choices) {
      this.#act(choice % 12, KEYS[Math.floor(choice / 12) % KEYS.length]!, Math.floor(choice / 36));
      if (choice % 5 !== 0) await breathe();
    }
    await this.#finish();
  }

  #act(action: number, key: Key, detail: number): void {
    const { store } = this.bench;
    if (action < 3) this.#read(key, detail);
    else if (action < 5) this.#write(key, detail);
    else if (action < 8) this.loads.splice(detail % Math.max(1, this.loads.length), 1)[0]?.();
    else if (action < 10) store.execute(1 + (detail % 2));
    else store.reply(1 + (detail % 2));
  }

  /** Two steps that chance takes later: the row is read, the load returns. */
  #load(key: Key): Promise<number> {
    const result = new Deferred<number>();
    this.loads.push(() => {
      const row = this.rows.get(key)!;
      this.loads.push(() => result.resolve(row));
    });
    return result.promise;
  }

  #read(key: Key, detail: number): void {
    const { cache } = this.bench;
    const options = { tags: [`tag of ${key}`] };
    const kinds = [
      () => cache.getOrSet(key, () => this.#load(key), options),
      () => cache.getOrSet(key, () => this.#load(key), { tags: () => options.tags }),
      () => cache.get<number>(key),
      async () => (await cache.getMany<number>(KEYS)).get(key),
      async () => {
        const load = async (keys: string[]): Promise<Map<string, number>> =>
          new Map(await Promise.all(keys.map(async (one) => [one, await this.#load(one as Key)] as const)));
        return (await cache.getOrSetMany([key], load, options)).get(key);
      },
    ];
    const floor = this.floor.get(key)!;
    const kind = detail % kinds.length;
    this.#track(
      kinds[kind]!().then((seen) => {
        if (seen !== undefined && seen < floor) {
          this.violations.push(
            `read ${kind} of ${key} gave ${seen}, though ${floor} was acknowledged before`,
          );
        }
        return seen;
      }),
    );
  }

  #write(key: Key, detail: number): void {
    const { cache } = this.bench;
    const row = this.rows.get(key)! + 1;
    this.rows.set(key, row);
    const kinds = [
      () => cache.delete(key),
      () => cache.deleteMany([key]),
      () => cache.invalidateTags([`tag of ${key}`]),
      () => cache.clearPattern(`${key.slice(0, 2)}*`),
      () => cache.clearPattern(`?:${key.slice(2)}`),
      () => cache.clear(),
      () => cache.set(key, row, { tags: [`tag of ${key}`] }),
      () => cache.set(key, row, { ttl: 0 }),
    ];
    this.#track(kinds[detail % kinds.length]!().then(() => this.#acknowledge(key, row)));
  }

  #acknowledge(key: Key, row: number): void {
    this.floor.set(key, Math.max(this.floor.get(key)!, row));
  }

  #track(work: Promise<unknown>): void {
    this.pending.add(work);
    void work.finally(() => this.pending.delete(work));
  }

  /** Everything under way is let go; then what rests in the cache is looked at. */
  async #finish(): Promise<void> {
    this.bench.store.release();
    while (this.pending.size > 0) {
      for (const step of this.loads.splice(0)) step();
      await breathe();
    }
    for (const key of KEYS) {
      const resting = await this.bench.cache.get<number>(key);
      if (resting !== undefined && resting < this.floor.get(key)!) {
        this.violations.push(`${key} rests at ${resting}, though ${this.floor.get(key)} was acknowledged`);
      }
    }
  }
}

describe.each(TOPOLOGIES)('%s', (topology) => {
  afterEach(closeBenches);

  it('no read sees less than what was acknowledged before it began', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(12 * 3 * 40), { minLength: 20, maxLength: 120 }), async (choices) => {
        const history = await History.in(topology);
        await history.run(choices);
        await closeBenches();
        expect(history.violations).toStrictEqual([]);
      }),
      { numRuns: 400, verbose: 1 },
    );
  });
});
