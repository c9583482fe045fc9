import type { CacheOptions } from '../../lib/core/cache-options.js';
import type { CacheError, EntryOptions } from '../../lib/index.js';
import { type Bench, benchesOf, redisFor, type Topology } from '../support/caches.js';
import { breathe, Deferred } from '../support/deferred.js';

const KEYS = ['a:1', 'a:2', 'b:1'] as const;
type Key = (typeof KEYS)[number];

/** A row of the database, as somebody loaded it. */
interface Row {
  readonly version: number;
}

class Broken extends Error {}

/** Each caller goes by his own; whoever begins a load decides how it is stored. */
const OPTIONS: readonly EntryOptions<Row | null>[] = [
  { ttl: '1s' },
  { ttl: '1s', staleWhileRevalidate: '5s' },
  { ttl: '1s', staleIfError: '5s' },
  { ttl: '1s', refreshAhead: 0.5 },
  { ttl: '2s', refreshAhead: { beta: 2 }, staleIfError: '3s' },
  { ttl: '1s', staleWhileRevalidate: '2s', staleIfError: '10s', loadTimeout: { soft: '100ms', hard: '2s' } },
  { ttl: '500ms', loadTimeout: { hard: '300ms' }, jitter: 0.5 },
  { ttl: '1s', negativeTtl: '100ms', staleIfError: '1s', loadTimeout: { soft: '50ms' } },
  { ttl: 0, staleIfError: '5s' },
];

/** What a load does in the end. */
const ENDS = [
  'row',
  'row',
  'row',
  'null',
  'nothing',
  'broken',
  'broken',
  'skip',
  'not modified',
  'ttl',
] as const;

/**
 * Callers with all sorts of policies at once, on instances that share a Redis or not, loads that end when chance wants and as it
 * wants, and invalidations in between. What has to hold whatever happens: see {@link violations}.
 */
export class Storm {
  readonly violations: string[] = [];
  readonly #versions = new Map<Key, number>(KEYS.map((key) => [key, 0]));
  /** What must be seen at least by a reader of an instance who begins now: what it has invalidated itself. */
  readonly #floors = new Map<Bench, Map<Key, number>>();
  readonly #loads: Deferred<void>[] = [];
  readonly #calls = new Set<Promise<void>>();

  private constructor(private readonly benches: readonly Bench[]) {
    for (const bench of benches) this.#floors.set(bench, new Map(KEYS.map((key) => [key, 0])));
  }

  static async in(topology: Topology, random: () => number): Promise<Storm> {
    const count = topology === 'memory' ? 1 : 2;
    const memory: CacheOptions['memory'] = topology === 'redis' ? false : { ttl: '800ms' };
    const options: CacheOptions = { maxStaleness: '30d', slots: 64, memory };
    const benches = await benchesOf(topology, count, options, redisFor(topology), random);
    return new Storm(benches);
  }

  async run(choices: readonly number[]): Promise<void> {
    for (const choice of choices) {
      const detail = Math.floor(choice / 16);
      const bench = this.benches[detail % this.benches.length]!;
      const key = KEYS[Math.floor(detail / 2) % KEYS.length]!;
      const rest = Math.floor(detail / 6);
      this.#act(choice % 16, bench, key, rest);
      if (choice % 5 !== 0) await breathe();
    }
    await this.#finish();
  }

  #act(action: number, bench: Bench, key: Key, detail: number): void {
    if (action < 5) this.#note(this.#readOne(bench, key, detail));
    else if (action < 7) this.#note(this.#readSeveral(bench, detail));
    else if (action < 8) this.#note(this.#plain(bench, key));
    else if (action < 11) this.#loads.splice(detail % Math.max(1, this.#loads.length), 1)[0]?.resolve();
    // Fractions of milliseconds: clocks have them, and entries do not.
    else if (action < 14) bench.clock.advance([0.25, 3.4, 40.7, 260.3, 1_100][detail % 5]!);
    else this.#note(this.#invalidate(bench, key, detail));
  }

  #note(call: Promise<void>): void {
    this.#calls.add(call);
    void call.finally(() => this.#calls.delete(call));
  }

  async #readOne(bench: Bench, key: Key, detail: number): Promise<void> {
    const floor = this.#floors.get(bench)!.get(key)!;
    const options = OPTIONS[detail % OPTIONS.length]!;
    const load = this.#loadOf(key, detail);
    await this.#judge([key], [floor], async () => [
      await bench.cache.getOrSet<Row | null>(
        key,
        async (context) => {
          const stale = context.stale !== undefined;
          const end = await load();
          if (end === 'skip') context.skip();
          if (end === 'ttl') context.setTtl('20ms');
          if (end === 'not modified' && stale) return context.notModified();
          return end === 'nothing' ? (undefined as never) : end === 'null' ? null : this.#row(key, load);
        },
        options,
      ),
    ]);
  }

  async #readSeveral(bench: Bench, detail: number): Promise<void> {
    const floors = KEYS.map((key) => this.#floors.get(bench)!.get(key)!);
    const load = this.#loadOf(KEYS[0], detail);
    await this.#judge(KEYS, floors, async () => {
      const found = await bench.cache.getOrSetMany<Row | null>(
        KEYS,
        async (missing, context) => {
          const end = await load();
          if (end === 'skip') context.skip(missing[0]);
          if (end === 'nothing') return new Map();
          return new Map(missing.map((key) => [key, end === 'null' ? null : this.#row(key as Key, load)]));
        },
        OPTIONS[detail % OPTIONS.length],
      );
      return KEYS.map((key) => found.get(key));
    });
  }

  async #plain(bench: Bench, key: Key): Promise<void> {
    const floor = this.#floors.get(bench)!.get(key)!;
    await this.#judge([key], [floor], async () => [await bench.cache.get<Row>(key)]);
  }

  /** A load that looks at the database when it begins, and ends when it is told to. */
  #loadOf(key: Key, detail: number): Load {
    const end = ENDS[Math.floor(detail / OPTIONS.length) % ENDS.length]!;
    const load = async (): Promise<(typeof ENDS)[number]> => {
      load.seen = new Map(this.#versions);
      const gate = new Deferred<void>();
      this.#loads.push(gate);
      await gate.promise;
      if (end === 'broken') throw new Broken(`load of ${key}`);
      return end;
    };
    load.seen = new Map<Key, number>();
    return load;
  }

  #row(key: Key, { seen }: Load): Row {
    return { version: seen.get(key)! };
  }

  async #judge(
    keys: readonly Key[],
    floors: readonly number[],
    read: () => Promise<(Row | null | undefined)[]>,
  ): Promise<void> {
    try {
      const rows = await read();
      rows.forEach((row, i) => {
        if (row && row.version < floors[i]!)
          this.violations.push(`${keys[i]}: ${row.version} after ${floors[i]}`);
      });
    } catch (error) {
      const expected = error instanceof Broken || (error as CacheError).code === 'CACHE_LOAD_TIMEOUT';
      if (!expected) this.violations.push(`rejected: ${String(error)}`);
    }
  }

  async #invalidate(bench: Bench, key: Key, detail: number): Promise<void> {
    const { cache } = bench;
    const version = this.#versions.get(key)! + 1;
    this.#versions.set(key, version);
    if (detail % 4 === 0) await cache.delete(key);
    else if (detail % 4 === 1) await cache.clearPattern(`${key.slice(0, 2)}*`);
    else if (detail % 4 === 2) await cache.clear();
    else await cache.set<Row>(key, { version }, { ttl: '1s', staleIfError: '2s' });
    const floors = this.#floors.get(bench)!;
    floors.set(key, Math.max(floors.get(key)!, version));
  }

  /** Every call ends, and each read was counted once. */
  async #finish(): Promise<void> {
    // A refresh may wait for another process for 10 s before it loads.
    for (let i = 0; i < 200 && (i < 25 || this.#calls.size > 0 || this.#loads.length > 0); i++) {
      for (const load of this.#loads.splice(0)) load.resolve();
      await this.benches[0]!.clock.pass(500);
    }
    if (this.#calls.size > 0) this.violations.push(`${this.#calls.size} calls never end`);
    for (const { cache } of this.benches) {
      const { reads, hits, misses, coalesced, loadsRunning } = cache.stats();
      if (hits + misses + coalesced !== reads)
        this.violations.push(`${reads} reads: ${hits} + ${misses} + ${coalesced}`);
      if (loadsRunning !== 0) this.violations.push(`${loadsRunning} loads still run`);
    }
  }
}

interface Load {
  (): Promise<(typeof ENDS)[number]>;
  seen: ReadonlyMap<Key, number>;
}
