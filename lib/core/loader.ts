import type { Fence } from '../coherence/fences.js';
import type { Recorder } from '../observability/recorder.js';
import type { Clock } from '../primitives/clock.js';
import { CacheClosedError } from '../primitives/errors.js';
import { checkEntryTags } from '../primitives/tags.js';
import { Entry } from '../tiers/entry.js';
import type { Lease } from '../tiers/leases.js';
import type { Fill } from '../tiers/tier-chain.js';
import type { Values } from '../tiers/values.js';
import { checkRows } from './arguments.js';
import type { ResolvedOptions } from './entry-options.js';
import type { Flights } from './flights.js';
import { type BatchLoad, type Cancellation, type LoadDecisions, SingleLoad } from './load-context.js';

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
    private readonly recorder: Recorder,
    private readonly time: Clock,
  ) {}

  /**
   * Loads one key.
   * @param key the key as its user knows it
   * @param lease the right to store the result in the remote tier
   * @returns `undefined` when the loader returned `undefined`
   * @throws what the loader throws; CacheValueError when its value cannot be cached
   */
  async one(
    key: string,
    load: (context: SingleLoad) => unknown,
    fence: Fence,
    lease: Lease | undefined,
    options: ResolvedOptions,
  ): Promise<Loaded | undefined> {
    const context = new SingleLoad(key);
    const begun = this.time.now();
    const value = await this.#run([fence.key], fence.key, context.cancellation, begun, () => load(context));
    return value === undefined ? undefined : this.#prepare(value, context, fence, lease, begun, options);
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
    const found = await this.#run(stored, undefined, context.cancellation, begun, load);
    checkRows(found);
    return keys.map((key, i) => {
      const value = found.get(key);
      if (value === undefined) return undefined;
      return this.#prepare(value, context.of(key), fences[i]!, leases[i], begun, options);
    });
  }

  /** Tells all loads under way that nobody will want their results. */
  abort(): void {
    const reason = new CacheClosedError('the cache was closed while this load was running');
    for (const load of this.#running) load.abort(reason);
  }

  async #run(
    stored: readonly string[],
    key: string | undefined,
    cancellation: Cancellation,
    begun: number,
    load: () => unknown,
  ) {
    this.recorder.loadBegins();
    this.#running.add(cancellation);
    try {
      const value: unknown = await this.flights.call(stored, load);
      this.recorder.loadEnds(key, this.time.now() - begun);
      return value;
    } catch (error) {
      this.recorder.loadFails(key, this.time.now() - begun, error);
      throw error;
    } finally {
      this.#running.delete(cancellation);
    }
  }

  #prepare(
    value: unknown,
    decided: LoadDecisions,
    fence: Fence,
    lease: Lease | undefined,
    begun: number,
    options: ResolvedOptions,
  ): Loaded {
    const bytes = this.values.encode(fence.key, value);
    const entry = new Entry(bytes, fence.asOf, begun, tagsFor(value, options, decided.tags));
    const ttl = decided.ttl ?? options.ttl;
    return { entry, fill: decided.skipped || ttl === 0 ? undefined : { entry, fence, ttl, lease } };
  }
}

/** The tags of a value: those of the options, derived from the value if need be, and those its loader added. */
export function tagsFor(
  value: unknown,
  options: ResolvedOptions,
  added?: readonly string[],
): readonly string[] | undefined {
  const own = options.tagsOf === undefined ? options.tags : checkEntryTags(options.tagsOf(value));
  return added === undefined ? own : checkEntryTags([...(own ?? []), ...added]);
}
