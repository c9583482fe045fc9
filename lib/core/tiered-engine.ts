import type { Coherence } from '../coherence/coherence.js';
import type { Follower } from '../coherence/follower.js';
import type { Invalidation } from '../coherence/invalidation.js';
import type { CoherenceGauge } from '../observability/coherence-recorder.js';
import type { Recorder } from '../observability/recorder.js';
import type { CacheStats } from '../observability/stats.js';
import type { Clock } from '../primitives/clock.js';
import { aboutKey, CacheClosedError } from '../primitives/errors.js';
import { checkUnicode, userKey } from '../primitives/key.js';
import type { Entry } from '../tiers/entry.js';
import type { Invalidator } from '../tiers/invalidator.js';
import type { RefreshAhead } from '../tiers/lifetime.js';
import type { MemoryTier } from '../tiers/memory-tier.js';
import type { TierChain } from '../tiers/tier-chain.js';
import type { Values } from '../tiers/values.js';
import { Background } from './background.js';
import { BatchReadThrough } from './batch-read-through.js';
import type { NamedKey } from './named-key.js';
import type { CacheEngine } from './cache-engine.js';
import { Claims } from './claims.js';
import type { EntryOptions } from './entry-options.js';
import { Flights } from './flights.js';
import type { BatchLoadContext, LoadContext } from './load-context.js';
import { Lifetimes } from './lifetimes.js';
import { Loader } from './loader.js';
import { ReadThrough } from './read-through.js';
import { OptionResolver } from './option-resolver.js';
import type { ResolvedOptions } from './resolve-options.js';
import { Staleness } from './staleness.js';
import { Writer } from './writer.js';

export interface TieredEngineParts {
  readonly memory: MemoryTier | undefined;
  readonly coherence: Coherence;
  readonly invalidator: Invalidator;
  readonly chain: TierChain;
  /** Absent without Redis. */
  readonly follower: Follower | undefined;
  readonly defaults: ResolvedOptions;
  readonly values: Values;
  readonly time: Clock;
  /** From 0 to 1; default `Math.random`. */
  readonly random: (() => number) | undefined;
  readonly recorder: Recorder;
}

/** How long closing waits for refreshes that are running, in milliseconds. */
const LONGEST_DRAIN = 2_000;

/** The engine with at least one tier: decides the options of each call, and hands it to the part it is for. */
export class TieredEngine implements CacheEngine {
  readonly #defaults: ResolvedOptions;
  readonly #options: OptionResolver;
  readonly #values: Values;
  readonly #recorder: Recorder;
  readonly #memory: MemoryTier | undefined;
  readonly #chain: TierChain;
  readonly #invalidator: Invalidator;
  readonly #follower: Follower | undefined;
  readonly #loader: Loader;
  readonly #staleness: Staleness;
  readonly #background: Background;
  readonly #reads: ReadThrough;
  readonly #batches: BatchReadThrough;
  readonly #writer: Writer;
  /** Whether a reader who says nothing may be given the value that memory shares, just so. */
  readonly #sharesByDefault: boolean;
  #closed = false;

  constructor(parts: TieredEngineParts) {
    const { memory, coherence, invalidator, chain, defaults, values, time, recorder } = parts;
    this.#defaults = defaults;
    this.#options = new OptionResolver(defaults);
    this.#values = values;
    this.#recorder = recorder;
    this.#sharesByDefault =
      defaults.memory && defaults.type === undefined && (defaults.isolation ?? 'freeze') === 'freeze';
    this.#memory = memory;
    this.#chain = chain;
    this.#invalidator = invalidator;
    this.#follower = parts.follower;
    const flights = new Flights(coherence.fences, coherence.trust, time, recorder);
    const claims = new Claims(chain, coherence.fences, time, recorder);
    const random = parts.random ?? Math.random;
    const lifetimes = new Lifetimes(random);
    this.#loader = new Loader(flights, values, lifetimes, recorder, time);
    this.#background = new Background(time);
    this.#staleness = new Staleness(coherence, time, random, this.#background, recorder);
    const reading = {
      chain,
      coherence,
      flights,
      loader: this.#loader,
      claims,
      staleness: this.#staleness,
      background: this.#background,
      values,
      time,
      recorder,
    };
    this.#reads = new ReadThrough(reading);
    this.#batches = new BatchReadThrough(reading);
    this.#writer = new Writer(chain, coherence, invalidator, values, lifetimes, time);
  }

  // Not async where a promise is passed on: the caller is, and turns what is thrown here into a rejection.

  fresh(stored: string, options: EntryOptions<never> | undefined): unknown {
    if (!this.#sharesByDefault || (options !== undefined && this.#options.matter(options))) {
      return this.#freshAs(stored, this.#resolve(options, stored));
    }
    const entry = this.#memory?.get(stored);
    if (entry === undefined) return undefined;
    if (entry.refreshAt !== 0) {
      if (this.#isDue(entry, options?.refreshAhead ?? this.#defaults.refreshAhead)) return undefined;
    }
    this.#recorder.memoryHit(stored);
    return entry.bytes === undefined ? entry.value : this.#values.read(entry, this.#defaults);
  }

  peek(stored: string, options: EntryOptions<never> | undefined): unknown {
    const resolved = this.#resolve(options, stored);
    const entry = resolved.memory ? this.#memory?.peek(stored) : undefined;
    return entry === undefined ? undefined : this.#values.read(entry, resolved);
  }

  async has(stored: string): Promise<boolean> {
    if (this.#memory?.peek(stored) !== undefined) return true;
    checkUnicode(stored);
    return !this.#closed && this.#chain.holds(stored, this.#defaults);
  }

  get(stored: string, options: EntryOptions<never> | undefined): Promise<unknown> {
    const resolved = this.#resolve(options, stored);
    return this.#closed ? Promise.resolve(undefined) : this.#reads.get(stored, resolved);
  }

  getOrSet(
    stored: string,
    key: string,
    loader: (context: LoadContext) => unknown,
    options: EntryOptions<never> | undefined,
  ): Promise<unknown> {
    return this.#reads.getOrSet(stored, { key, load: loader, options: this.#resolve(options, stored) });
  }

  getMany(
    keys: readonly NamedKey[],
    options: EntryOptions<never> | undefined,
  ): Promise<Map<string, unknown>> {
    return this.#batches.getMany(keys, this.#resolve(options));
  }

  getOrSetMany(
    keys: readonly NamedKey[],
    loadMissing: (missing: string[], context: BatchLoadContext) => unknown,
    options: EntryOptions<never> | undefined,
  ): Promise<Map<string, unknown>> {
    return this.#batches.getOrSetMany(keys, loadMissing, this.#resolve(options));
  }

  async set(
    entries: readonly (readonly [stored: string, value: unknown])[],
    options: EntryOptions<never> | undefined,
  ): Promise<void> {
    const resolved = this.#resolve(options, entries[0]?.[0]);
    this.#refuseIfClosed();
    await this.#writer.set(entries, resolved);
    for (const [stored] of entries) this.#staleness.loaded(stored);
  }

  async setResult<T>(
    run: () => Promise<T>,
    place: (
      result: T,
    ) => { readonly stored: string; readonly options: EntryOptions<never> | undefined } | undefined,
  ): Promise<T> {
    return this.#writer.setResult(run, (result) => {
      const placement = place(result);
      if (placement === undefined) return undefined;
      this.#refuseIfClosed();
      return { stored: placement.stored, options: this.#resolve(placement.options, placement.stored) };
    });
  }

  async invalidate(invalidation: Invalidation): Promise<number> {
    this.#refuseIfClosed();
    invalidation.keys.forEach(checkUnicode);
    return this.#invalidator.invalidate(invalidation, this.#defaults.strict);
  }

  stats(): CacheStats {
    const memory = this.#memory && { entries: this.#memory.size, bytes: this.#memory.bytes };
    return this.#recorder.snapshot(memory, this.#follower && this.#gauge(this.#follower));
  }

  async close(): Promise<number> {
    if (this.#closed) return 0;
    this.#closed = true;
    await this.#background.drain(LONGEST_DRAIN);
    this.#loader.abort();
    this.#follower?.stop();
    const untold = await this.#invalidator.close();
    await this.#chain.close();
    await this.#follower?.stopped();
    return untold;
  }

  #gauge({ inContact, sinceContact }: Follower): CoherenceGauge {
    return { inContact, sinceContactMs: sinceContact, queued: this.#invalidator.outbox.size };
  }

  #freshAs(stored: string, resolved: ResolvedOptions): unknown {
    const entry = resolved.memory ? this.#memory?.get(stored) : undefined;
    if (entry === undefined) return undefined;
    if (entry.refreshAt !== 0 && this.#isDue(entry, resolved.refreshAhead)) return undefined;
    this.#recorder.memoryHit(stored);
    return this.#values.read(entry, resolved);
  }

  /** Whether whoever can load it is to refresh it. */
  #isDue(entry: Entry, ahead: RefreshAhead | false | undefined): boolean {
    return ahead !== undefined && ahead !== false && this.#staleness.refreshIsDue(ahead, entry);
  }

  /** @param stored the key, or the first one, for messages */
  #resolve(options: EntryOptions<never> | undefined, stored?: string): ResolvedOptions {
    try {
      return this.#options.resolve(options);
    } catch (error) {
      throw stored === undefined ? error : aboutKey(error, userKey(stored));
    }
  }

  #refuseIfClosed(): void {
    if (!this.#closed) return;
    throw new CacheClosedError(
      'the cache is closed, its application has shut down: nothing can be written or invalidated',
    );
  }
}
