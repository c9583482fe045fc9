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
  /** Whether the loader did not want it stored. */
  readonly skipped: boolean;
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
   * @param lease the right to store the result in the remote tier
   * @param stale gives the entry that the result will replace, as long as it may be used
   * @returns `undefined` when the loader returned `undefined`
   * @throws what the loader throws; CacheValueError when its value cannot be cached; CacheLoadTimeoutError
   */
  async one(
    key: string,
    load: (context: SingleLoad) => unknown,
    fence: Fence,
    lease: Lease | undefined,
    stale: () => Entry | undefined,
    options: ResolvedOptions,
  ): Promise<Loaded | undefined> {
    const begun = this.time.now();
    const readStale = (): StaleValue | undefined => this.#readStale(stale(), begun, options);
    const context = new SingleLoad(key, readStale);
    const run = { stored: [fence.key], key: fence.key, cancellation: context.cancellation, begun, options };
    const value = await this.#run(run, () => load(context));
    if (value === undefined) return undefined;
    const target = { fence, lease, begun, options };
    if (value !== NOT_MODIFIED) return this.#prepare(value, context, target);
    const renewed = stale();
    if (renewed === undefined) throw nothingToRenew(key);
    return this.#renew(renewed, context, target);
  }

  /**
   * Loads a batch with one call of the loader.
   * @param fences one for each key of the batch, in its order
   * @param leases as for {@link one}, in the order of the keys
   * @throws what the loader throws; CacheArgumentError when it returns no Map; CacheValueError when one of its values cannot
   * be cached, in which case none is stored
   */
  async batch(
    keys: readonly string[],
    load: () => unknown,
    context: BatchLoad,
    fences: readonly Fence[],
    leases: readonly (Lease | undefined)[],
    options: ResolvedOptions,
  ): Promise<(Loaded | undefined)[]> {
    const stored = fences.map((fence) => fence.key);
    const begun = this.time.now();
    const { cancellation } = context;
    const found = await this.#run({ stored, key: undefined, cancellation, begun, options }, load);
    checkRows(found);
    return keys.map((key, i) => {
      const value = found.get(key);
      if (value === undefined) return undefined;
      const target = { fence: fences[i]!, lease: leases[i], begun, options };
      return this.#prepare(value, context.of(key), target);
    });
  }

  /** Tells all loads under way that nobody will want their results. */
  abort(): void {
    const reason = new CacheClosedError('the cache was closed while this load was running');
    for (const load of this.#running) load.abort(reason);
  }

  async #run(run: Run, load: () => unknown) {
    const { stored, key, cancellation, begun, options } = run;
    this.recorder.loadBegins();
    this.#running.add(cancellation);
    try {
      const { hardTimeout } = options.policy;
      const loading: unknown = this.flights.call(stored, load);
      const value: unknown = await (hardTimeout === undefined
        ? loading
        : this.#limit(loading, hardTimeout, run));
      this.recorder.loadEnds(key, this.time.now() - begun);
      return value;
    } catch (error) {
      this.recorder.loadFails(key, this.time.now() - begun, error);
      throw error;
    } finally {
      this.#running.delete(cancellation);
    }
  }

  /** Fails the load when its time is up. What it comes to later is of no interest, be it an error. */
  async #limit(loading: unknown, limit: number, { key, cancellation }: Run): Promise<unknown> {
    if (!(await outlasts(loading, limit, this.time))) return loading;
    const name = key === undefined ? undefined : userKey(key);
    const what = name === undefined ? 'the load of several keys' : `the load of '${name}'`;
    const error = new CacheLoadTimeoutError(
      `${what} took longer than ${limit} ms (option loadTimeout.hard)`,
      name === undefined ? {} : { key: name },
    );
    cancellation.abort(error);
    throw error;
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
    return { entry, fill: life && { entry, fence, life, loadTime, lease }, skipped };
  }
}

/** What a load is for. */
interface Target {
  readonly fence: Fence;
  readonly lease: Lease | undefined;
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
  readonly begun: number;
  readonly options: ResolvedOptions;
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
