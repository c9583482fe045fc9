import { type Bench, benchesOf, closeBenches, redisFor, type Topology } from '../support/caches.js';
import { breathe, Deferred } from '../support/deferred.js';

const KEYS = ['a:1', 'a:2', 'b:1'] as const;
type Key = (typeof KEYS)[number];

export interface HistorySettings {
  readonly processes: 1 | 2;
  /** Whether bookkeeping gets lost, and connections break. */
  readonly faults: boolean;
}

/** What one process has been promised. */
interface Process extends Bench {
  /** What a reader who begins now must see at least. */
  readonly floor: Map<Key, number>;
}

const LOST = new Error('connection lost');
const BROKEN = new Error('the database is broken');

/** With every policy that serves values after their ttl or loads them in the background; time goes on by 10 to 200 ms. */
const STALE = {
  ttl: '100ms',
  staleWhileRevalidate: '300ms',
  staleIfError: '2s',
  refreshAhead: 0.3,
  loadTimeout: { soft: '50ms' },
} as const;

/**
 * Writers change a database and invalidate, readers read through the cache, and every load, command, reply and message takes
 * as long as chance wants.
 */
export class History {
  readonly violations: string[] = [];
  /** What the database holds: a row per key, which is a counter. */
  readonly #rows = rowsOf(0);
  /** What was acknowledged by anybody. */
  readonly #acknowledged = rowsOf(0);
  readonly #pending = new Set<Promise<unknown>>();
  /** Loads that have not read their row yet, and loads that have read it and not returned. */
  readonly #loads: (() => void)[] = [];

  private constructor(
    private readonly settings: HistorySettings,
    private readonly processes: readonly Process[],
  ) {}

  static async in(topology: Topology, settings: HistorySettings): Promise<History> {
    const options = { slots: 1_024 };
    const benches = await benchesOf(topology, settings.processes, options, redisFor(topology));
    for (const { store } of benches) {
      store.hold();
      store.feed.hold();
    }
    return new History(
      settings,
      benches.map((bench) => ({ ...bench, floor: rowsOf(0) })),
    );
  }

  /** Goes through one history, and closes its caches. */
  async run(choices: readonly number[]): Promise<void> {
    for (const choice of choices) {
      const rest = Math.floor(choice / 20);
      const key = KEYS[rest % KEYS.length]!;
      const process = this.processes[Math.floor(rest / 3) % this.processes.length]!;
      await this.#act(choice % 20, process, key, Math.floor(rest / 6));
      if (choice % 7 !== 0) await breathe();
    }
    await this.#finish();
    await closeBenches();
  }

  async #act(action: number, process: Process, key: Key, detail: number): Promise<void> {
    const { store, clock } = process;
    if (action < 4) this.#read(process, key, detail);
    else if (action < 6) this.#write(process, key, detail);
    else if (action < 9) this.#loads.splice(detail % Math.max(1, this.#loads.length), 1)[0]?.();
    else if (action < 12) store.execute(1 + (detail % 2));
    else if (action < 15) store.reply(1 + (detail % 2));
    else if (action < 16) store.feed.deliver(1);
    else if (action < 18) await this.#hear(process);
    else if (action < 19 || !this.settings.faults) clock.advance(10 * (1 + (detail % 20)));
    else this.#fail(process, detail);
  }

  /** A process hears of everything; from then on it serves nothing that was invalidated anywhere before. */
  async #hear({ store, floor }: Process): Promise<void> {
    const acknowledged = new Map(this.#acknowledged);
    do await breathe();
    while (store.feed.deliver() > 0);
    if (store.feed.isListening) for (const [key, row] of acknowledged) raise(floor, key, row);
  }

  #fail({ store, redis }: Process, detail: number): void {
    const faults = [
      () => redis.flushAll(),
      () => redis.deleteClock(),
      () => redis.deleteStream(),
      () => (store.failure = store.failure ? undefined : LOST),
      () => store.feed.fail(LOST),
      () => store.feed.fail(undefined),
      () => store.lose(LOST),
    ];
    faults[detail % faults.length]!();
  }

  /** Two steps that chance takes later: the row is read, the load returns. */
  #load(key: Key, fails = false): Promise<number> {
    const result = new Deferred<number>();
    this.#loads.push(() => {
      const row = this.#rows.get(key)!;
      this.#loads.push(() => (fails ? result.reject(BROKEN) : result.resolve(row)));
    });
    return result.promise;
  }

  #read({ cache, floor }: Process, key: Key, detail: number): void {
    const tags = [tagOf(key)];
    const load = async (keys: string[]): Promise<Map<string, number>> =>
      new Map(await Promise.all(keys.map(async (one) => [one, await this.#load(one as Key)] as const)));
    const kinds: (() => Promise<number | undefined>)[] = [
      () => cache.getOrSet(key, () => this.#load(key), { tags }),
      () => cache.getOrSet(key, () => this.#load(key), { tags: () => tags }),
      () => cache.get<number>(key),
      () => cache.get<number>(key, { tiers: ['redis'] }),
      async () => (await cache.getMany<number>(KEYS)).get(key),
      async () => (await cache.getOrSetMany([key], load, { tags })).get(key),
      async () => (await cache.getOrSetMany(KEYS, load, { tags: KEYS.map(tagOf) })).get(key),
      () => cache.getOrSet(key, () => this.#load(key), { ...STALE, tags }),
      () => cache.getOrSet(key, () => this.#load(key), { ...STALE, tags: () => tags }),
      async () => (await cache.getOrSetMany([key], load, { ...STALE, tags })).get(key),
      () => cache.getOrSet(key, () => this.#load(key, true), { ...STALE, tags }),
    ];
    const reads = kinds.length;
    // Of what methods in two processes return, nobody can tell which is newer.
    if (this.processes.length === 1) {
      kinds.push(() => cache.setResult(() => this.#load(key), () => ({ key, options: { tags } }))); // prettier-ignore
    }
    const least = floor.get(key)!;
    const kind = detail % kinds.length;
    this.#track(this.#check(`read ${kind} of ${key}`, kinds[kind]!(), kind < reads ? least : 0));
  }

  async #check(what: string, read: Promise<number | undefined>, least: number): Promise<void> {
    const seen = await read.catch((error: unknown) => {
      // A load that failed, which others may have joined.
      if (error !== BROKEN) throw error;
    });
    if (seen === undefined || seen >= least) return;
    this.violations.push(`${what} gave ${seen}, though ${least} was acknowledged before`);
  }

  #write(process: Process, key: Key, detail: number): void {
    const { cache } = process;
    const row = this.#rows.get(key)! + 1;
    this.#rows.set(key, row);
    const kinds = [
      () => cache.delete(key),
      () => cache.deleteMany(['x', key]),
      () => cache.invalidateTags([tagOf(key)]),
      () => cache.clearPattern(`${key.slice(0, 2)}*`),
      () => cache.clearPattern(`?:${key.slice(2)}`),
      () => cache.clear(),
      () => cache.set(key, row, { ttl: 0 }),
      // Of two processes that set one key, the one that comes last at Redis decides, whichever row it has.
      () =>
        this.processes.length === 1
          ? cache.set(key, row, { ...STALE, tags: [tagOf(key)] })
          : cache.delete(key),
    ];
    this.#track(this.#acknowledge(process, key, row, kinds[detail % kinds.length]!()));
  }

  async #acknowledge(
    { floor, cache }: Process,
    key: Key,
    row: number,
    written: Promise<unknown>,
  ): Promise<void> {
    await written;
    raise(floor, key, row);
    // What waits for Redis has not been told to others.
    if ((cache.stats().coherence?.queued ?? 0) === 0) raise(this.#acknowledged, key, row);
  }

  #track(work: Promise<unknown>): void {
    this.#pending.add(work);
    void work.finally(() => this.#pending.delete(work));
  }

  /** Everything under way is let go; then what rests in the cache is looked at. */
  async #finish(): Promise<void> {
    const { clock } = this.processes[0]!;
    for (const { store } of this.processes) {
      store.failure = undefined;
      store.feed.fail(undefined);
      store.release();
      store.feed.release();
    }
    for (let i = 0; i < 100 && this.#pending.size + this.#loads.length > 0; i++) {
      for (const step of this.#loads.splice(0)) step();
      await clock.pass(200);
    }
    if (this.#pending.size > 0) this.violations.push(`${this.#pending.size} calls never ended`);
    await clock.pass(5_000);
    for (const { cache } of this.processes) for (const key of KEYS) await this.#inspect(cache, key);
    for (const { cache } of this.processes) for (const key of KEYS) await this.#inspectReserve(cache, key);
  }

  /** What would be served after its ttl. */
  async #inspectReserve(cache: Bench['cache'], key: Key): Promise<void> {
    const written = this.#rows.get(key)!;
    const row = await cache.getOrSet(key, () => written, { ...STALE, staleWhileRevalidate: '1h' });
    if (row < written) this.violations.push(`${key} is served stale at ${row}, not ${written}`);
  }

  async #inspect(cache: Bench['cache'], key: Key): Promise<void> {
    const written = this.#rows.get(key)!;
    const places = {
      memory: cache.peek<number>(key),
      Redis: await cache.get<number>(key, { tiers: ['redis'] }),
    };
    for (const [place, row] of Object.entries(places)) {
      if (row !== undefined && row < written)
        this.violations.push(`${key} rests at ${row} in ${place}, not ${written}`);
    }
  }
}

function tagOf(key: Key): string {
  return `tag of ${key}`;
}

function rowsOf(row: number): Map<Key, number> {
  return new Map(KEYS.map((key) => [key, row]));
}

function raise(rows: Map<Key, number>, key: Key, row: number): void {
  rows.set(key, Math.max(rows.get(key)!, row));
}
