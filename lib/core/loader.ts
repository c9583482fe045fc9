import type { Fence } from '../coherence/fences.js';
import type { Recorder } from '../observability/recorder.js';
import { type Clock, outlasts } from '../primitives/clock.js';
import { CacheClosedError, CacheLoadTimeoutError } from '../primitives/errors.js';
import { userKey } from '../primitives/key.js';
import { checkEntryTags } from '../primitives/tags.js';
import { Entry } from '../tiers/entry.js';
import type { Fill } from '../tiers/filler.js';
import type { Lease } from '../tiers/leases.js';
import type { Values } from '../tiers/values.js';
import { checkRows } from './arguments.js';
import type { ResolvedOptions } from './resolve-options.js';
import type { Flights } from './flights.js';
import type { Lifetimes } from './lifetimes.js';
import {
  type BatchLoad,
  type Cancellation,
  type LoadDecisions,
  NOT_MODIFIED,
  nothingToRenew,
  SingleLoad,
  type StaleValue,
} from './load-context.js';

/** What a load gave: the entry for its callers, and how to store it if it is to be stored. */
export interface Loaded {
  readonly entry: Entry;
  readonly fill: Fill | undefined;
}

/** Runs loaders: counts and times them, and turns what they return into entries. */
export class Loader {
  readonly #running = new Set<Cancellation>();

  constructor(
    private readonly flights: Flights,
    private readonly values: Values,
    private readonly lifetimes: Lifetimes,
    private readonly recorder: Recorder,
    private readonly time: Clock,
  ) {}

  /**
   * Loads one key.
   * @param key the key as its user knows it
   * @param stale gives the entry that the result will replace, as long as it may be used
   * @returns `undefined` when the loader returned `undefined`
   * @throws what the loader throws; CacheValueError when its value cannot be cached; CacheLoadTimeoutError
   */
  async one(
    key: string,
    load: (context: SingleLoad) => unknown,
    right: SingleRight,
    stale: () => Entry | undefined,
    options: ResolvedOptions,
  ): Promise<Loaded | undefined> {
    const begun = this.time.now();
    const target = { ...right, begun, options };
    const { background } = right;
    const context = new SingleLoad(key, background, () => this.#readStale(stale(), begun, options));
    const loaded = await this.#one(context, load, target, stale);
    if (loaded !== OUTDATED) return loaded;
    const again = new SingleLoad(key, background);
    return this.#one(again, load, target, () => {
      throw nothingToRenew(key);
    }) as Promise<Loaded | undefined>;
  }

  /** @returns `OUTDATED` when nothing has changed in a value that has become useless meanwhile */
  async #one(
    context: SingleLoad,
    load: (context: SingleLoad) => unknown,
    target: Target,
    stale: () => Entry | undefined,
  ): Promise<Loaded | undefined | typeof OUTDATED> {
    const { key } = target.fence;
    const run = { stored: [key], key, cancellation: context.cancellation, limit: target.limit };
    return this.#recorded(key, async () => {
      const value = await this.#run(run, () => load(context));
      if (value === undefined) return undefined;
      if (value !== NOT_MODIFIED) return this.#prepare(value, context, target);
      const renewed = stale();
      return renewed === undefined ? OUTDATED : this.#renew(renewed, context, target);
    });
  }

  /**
   * Loads a batch with one call of the loader.
   * @param rights one for each key of the batch, in its order
   * @throws what the loader throws; CacheArgumentError when it returns no Map; CacheValueError when one of its values cannot
   * be cached, in which case none is stored
   */
  async batch(
    keys: readonly string[],
    load: () => unknown,
    context: BatchLoad,
    rights: readonly Right[],
    options: ResolvedOptions,
  ): Promise<(Loaded | undefined)[]> {
    const begun = this.time.now();
    const stored = rights.map(({ fence }) => fence.key);
    const run = {
      stored,
      key: undefined,
      cancellation: context.cancellation,
      limit: options.policy.hardTimeout,
    };
    return this.#recorded(undefined, async () => {
      const found = await this.#run(run, load);
      checkRows(found);
      return keys.map((key, i) => {
        const value = found.get(key);
        if (value === undefined) return undefined;
        return this.#prepare(value, context.of(key), { ...rights[i]!, begun, options });
      });
    });
  }

  /** Tells all loads under way that nobody will want their results. */
  abort(): void {
    const reason = new CacheClosedError('the cache was closed while this load was running');
    for (const load of this.#running) load.abort(reason);
  }

  /** Counts and times a load. It has not succeeded before its result is known to be good for something. */
  async #recorded<T>(key: string | undefined, load: () => Promise<T>): Promise<T> {
    const begun = this.time.now();
    this.recorder.loadBegins();
    try {
      const loaded = await load();
      this.recorder.loadEnds(key, this.time.now() - begun);
      return loaded;
    } catch (error) {
      this.recorder.loadFails(key, this.time.now() - begun, error);
      throw error;
    }
  }

  async #run({ stored, key, cancellation, limit }: Run, load: () => unknown): Promise<unknown> {
    this.#running.add(cancellation);
    try {
      const loading: unknown = this.flights.call(stored, load);
      if (limit === undefined) return await loading;
      // What is awaited twice has to be a promise: other thenables may begin anew each time.
      const promised = Promise.resolve(loading);
      if (!(await outlasts(promised, limit, this.time))) return await promised;
      // What it comes to later is of no interest, be it an error.
      const error = loadTimedOut(key, limit);
      cancellation.abort(error);
      throw error;
    } finally {
      this.#running.delete(cancellation);
    }
  }

  #readStale(stale: Entry | undefined, now: number, options: ResolvedOptions): StaleValue | undefined {
    return stale && { value: this.values.read(stale, options), age: (now - stale.bornAt) / 1000 };
  }

  #prepare(value: unknown, decided: LoadDecisions, target: Target): Loaded {
    const bytes = this.values.encode(target.fence.key, value);
    return this.#enter(value, bytes, tagsFor(value, target.options, decided.tags), decided, target);
  }

  /** The stale value is the current one. */
  #renew(stale: Entry, decided: LoadDecisions, target: Target): Loaded {
    const value = this.values.read(stale, target.options);
    return this.#enter(
      value,
      this.values.bytesOf(stale),
      withTags(stale.tags, decided.tags),
      decided,
      target,
    );
  }

  #enter(
    value: unknown,
    bytes: Uint8Array,
    tags: readonly string[] | undefined,
    decided: LoadDecisions,
    { fence, lease, begun, options }: Target,
  ): Loaded {
    const { ttl, skipped } = decided;
    const entry = new Entry(bytes, fence.asOf, begun, tags);
    const loadTime = this.time.now() - begun;
    const life = skipped ? undefined : this.lifetimes.of(value, ttl, options, loadTime);
    return { entry, fill: life && { entry, fence, life, loadTime, lease } };
  }
}

/** What a load is for. */
export interface Right {
  readonly fence: Fence;
  /** The right to store the result in the remote tier. */
  readonly lease: Lease | undefined;
  /** How long it may take, in milliseconds. */
  readonly limit: number | undefined;
}

/** As {@link Right}, of one key. */
export interface SingleRight extends Right {
  /** Whether nobody waits for what it gives. */
  readonly background: boolean;
}

interface Target extends Right {
  /** When it began, by the process' clock. */
  readonly begun: number;
  readonly options: ResolvedOptions;
}

/** One call of a loader. */
interface Run {
  readonly stored: readonly string[];
  /** `undefined` for a batch. */
  readonly key: string | undefined;
  readonly cancellation: Cancellation;
  readonly limit: number | undefined;
}

/** The stale value was the current one, and is no more. */
const OUTDATED = Symbol('outdated');

/** @param key as it is stored; `undefined` for several */
export function loadTimedOut(key: string | undefined, limit: number): CacheLoadTimeoutError {
  const name = key === undefined ? undefined : userKey(key);
  const what = name === undefined ? 'the load of several keys' : `the load of '${name}'`;
  return new CacheLoadTimeoutError(
    `${what} took longer than ${limit} ms (option loadTimeout.hard)`,
    name === undefined ? {} : { key: name },
  );
}

/** The tags of a value: those of the options, derived from the value if need be, and those its loader added. */
export function tagsFor(
  value: unknown,
  options: ResolvedOptions,
  added?: readonly string[],
): readonly string[] | undefined {
  const own = options.tagsOf === undefined ? options.tags : checkEntryTags(options.tagsOf(value));
  return withTags(own, added);
}

function withTags(
  own: readonly string[] | undefined,
  added: readonly string[] | undefined,
): readonly string[] | undefined {
  return added === undefined ? own : checkEntryTags([...(own ?? []), ...added]);
}
