import type { Fence, Fences } from '../coherence/fences.js';
import type { Trust } from '../coherence/trust.js';
import type { TierName } from '../observability/outcome.js';
import type { Recorder } from '../observability/recorder.js';
import type { Clock } from '../primitives/clock.js';
import { CacheReentrancyError } from '../primitives/errors.js';
import { userKey } from '../primitives/key.js';
import type { Entry } from '../tiers/entry.js';

/** A value that may stand in for one that cannot be had now. */
export interface Reserve {
  readonly entry: Entry;
  readonly tier: TierName;
}

/** How a flight ends that has not loaded, since there was something to make do with: callers who have nothing start another. */
export class Abandoned extends Error {
  constructor() {
    super('not loaded now');
  }
}

/** A search for one key's value, through the remote tier and the loader, that any number of callers wait for. */
export class Flight {
  /** The entry, whether it was stored or not; `undefined` when the loader had nothing. Set before anybody can join. */
  result!: Promise<Entry | undefined>;
  /** The newest entry met that is not good enough, if there is one. */
  reserve: Reserve | undefined;
  /** Why it comes to nothing though others of its batch do not. */
  failure: { readonly error: unknown } | undefined;
  /** Whether somebody was served something else, and it goes on for nobody in particular. */
  left = false;
  #lookedUp = false;
  #onLookup: (() => void) | undefined;
  #lookup: Promise<void> | undefined;

  constructor(
    readonly key: string,
    readonly fence: Fence,
    /** When it began, by the process' clock: what it finds cannot be older, whatever this process has not heard of. */
    readonly begunAt: number,
    /** The tags that the value will carry, as far as that is known before it is loaded. */
    readonly tags: readonly string[] | undefined,
    /**
     * Whether `undefined` only means that a batch loader left the key out. A caller with a loader of its own then has to
     * ask that one.
     */
    readonly ofBatch: boolean,
    /** Whether it began for nobody in particular, and what it is to replace may still be good enough. */
    readonly refreshes: boolean,
  ) {}

  offer(entry: Entry, tier: TierName): void {
    const before = this.reserve?.entry;
    // A copy in memory may have to go before the value itself expires.
    const worse = before !== undefined && before.bornAt > entry.bornAt && before.expiresAt >= entry.expiresAt;
    if (!worse) this.reserve = { entry, tier };
  }

  /** To be called when all tiers have been asked. */
  lookedUp(): void {
    this.#lookedUp = true;
    this.#onLookup?.();
  }

  /** Resolves when all tiers have been asked: from then on only the loader can bring anything new. */
  get lookup(): Promise<void> {
    if (this.#lookedUp) return Promise.resolve();
    return (this.#lookup ??= new Promise((resolve) => (this.#onLookup = resolve)));
  }
}

/** The flights in the air, at most one to be joined per key. */
export class Flights {
  readonly #byKey = new Map<string, Flight>();
  /** What the loaders being called this very moment are to load, each called from within the one before. */
  readonly #starting: (readonly string[])[] = [];

  constructor(
    private readonly fences: Fences,
    private readonly trust: Trust,
    private readonly time: Clock,
    private readonly recorder: Recorder,
  ) {}

  /**
   * The flight a caller may join. Not one that an invalidation of its key, a prefix or a tag it is known to carry has touched:
   * its callers asked earlier, and may get the older value; this one may not. Other tags may be known only when it has
   * landed, see {@link admits}. Nor one that began so long ago that others may have invalidated its value unheard.
   * @throws CacheReentrancyError when the loader of `key` itself asks for `key` before it first waits
   */
  joinable(key: string): Flight | undefined {
    const flight = this.#current(key);
    if (flight !== undefined && this.#starting.some((keys) => keys.includes(key))) {
      const name = userKey(key);
      throw new CacheReentrancyError(
        `the loader of '${name}' asks the cache for '${name}' and would wait for itself for ever: give one of them another key`,
        { key: name },
      );
    }
    return flight;
  }

  /** Whether somebody is loading a key already, for whoever would only see to that. */
  has(key: string): boolean {
    return this.#current(key) !== undefined;
  }

  #current(key: string): Flight | undefined {
    const flight = this.#byKey.get(key);
    if (flight === undefined || !this.fences.admits(flight.fence, flight.tags)) return undefined;
    return this.trust.admits(flight.begunAt, this.time.now()) ? flight : undefined;
  }

  /**
   * Whether what a flight has found may be given to somebody who joined it.
   * @param asOf the invalidation clock when he asked: a flight that began no earlier than that has seen all there was to see
   */
  admits({ fence }: Flight, entry: Entry | undefined, asOf: number): boolean {
    if (fence.asOf >= asOf) return true;
    return entry === undefined ? this.fences.admitsAnyTags(fence) : this.fences.admits(fence, entry.tags);
  }

  /** Starts a flight; it can be joined until `search` settles. */
  start(
    key: string,
    tags: readonly string[] | undefined,
    search: (flight: Flight) => Promise<Entry | undefined>,
    refreshes = false,
  ): Flight {
    const flight = new Flight(key, this.fences.open(key), this.time.now(), tags, false, refreshes);
    // Before the search begins: it may run a loader at once, which may ask for this key.
    this.#byKey.set(key, flight);
    flight.result = this.#fly(flight, search);
    return flight;
  }

  async #fly(
    flight: Flight,
    search: (flight: Flight) => Promise<Entry | undefined>,
  ): Promise<Entry | undefined> {
    try {
      return await search(flight);
    } finally {
      this.#land(flight);
    }
  }

  /** Starts one flight per key; `search` gets them in the order of the keys, and gives one result each. */
  startBatch(
    keys: readonly string[],
    tags: readonly string[] | undefined,
    search: (flights: readonly Flight[]) => Promise<(Entry | undefined)[]>,
    refreshes = false,
  ): readonly Flight[] {
    const begunAt = this.time.now();
    let resolve!: (entries: Promise<(Entry | undefined)[]>) => void;
    const results = new Promise<(Entry | undefined)[]>((settle) => (resolve = settle));
    const flights = keys.map((key, i) => {
      const flight = new Flight(key, this.fences.open(key), begunAt, tags, true, refreshes);
      flight.result = results.then((entries) => {
        if (flight.failure !== undefined) throw flight.failure.error;
        return entries[i];
      });
      // Whoever started the batch waits for it; a flight that nobody joined must not fail unheard as well.
      flight.result.catch(() => {});
      return flight;
    });
    for (const flight of flights) this.#byKey.set(flight.key, flight);
    resolve(search(flights).finally(() => flights.forEach((flight) => this.#land(flight))));
    return flights;
  }

  /** Calls a loader of these keys, so that one which asks for them again is found out. */
  call<T>(keys: readonly string[], loader: () => T): T {
    this.#starting.push(keys);
    try {
      return loader();
    } finally {
      this.#starting.pop();
    }
  }

  /** The flight may have been replaced, after an invalidation, by a later one that is still in the air. */
  #land(flight: Flight): void {
    flight.lookedUp();
    this.fences.close(flight.fence);
    if (!this.fences.admits(flight.fence, undefined)) this.recorder.flightBroken(flight.key);
    if (this.#byKey.get(flight.key) === flight) this.#byKey.delete(flight.key);
  }
}
