import type { Coherence } from '../coherence/coherence.js';
import type { Watch } from '../coherence/watches.js';
import { invalidationOf } from '../coherence/invalidation.js';
import type { Clock } from '../primitives/clock.js';
import { checkUnicode } from '../primitives/key.js';
import { Entry } from '../tiers/entry.js';
import type { Invalidator } from '../tiers/invalidator.js';
import type { TierChain } from '../tiers/tier-chain.js';
import type { Values } from '../tiers/values.js';
import type { ResolvedOptions } from './resolve-options.js';
import type { Lifetimes } from './lifetimes.js';
import { tagsFor } from './loader.js';

/** Where a method's result is stored. */
export interface Placement {
  readonly stored: string;
  readonly options: ResolvedOptions;
}

/**
 * Authoritative writes: what is set replaces whatever was there, and whatever is still being loaded. So a write is an
 * invalidation of its key, followed by storing the new value.
 */
export class Writer {
  constructor(
    private readonly chain: TierChain,
    private readonly coherence: Coherence,
    private readonly invalidator: Invalidator,
    private readonly values: Values,
    private readonly lifetimes: Lifetimes,
    private readonly time: Clock,
  ) {}

  /**
   * Writes all entries, or none when one of them is bad. Of entries with the same key the last one stays.
   * @throws CacheValueError, and CacheStoreError when the remote tier could not be told
   */
  async set(
    entries: readonly (readonly [stored: string, value: unknown])[],
    options: ResolvedOptions,
  ): Promise<void> {
    const prepared = [...new Map(entries)].map(([key, value]) => {
      checkUnicode(key);
      const life = this.lifetimes.of(value, undefined, options, 0);
      return { key, bytes: this.values.encode(key, value), tags: tagsFor(value, options), life };
    });
    if (prepared.length === 0) return;
    const keys = prepared.map(({ key }) => key);
    const replaced = invalidationOf({ keys });
    this.invalidator.apply(replaced);
    const { clock } = this.coherence;
    const bornAt = this.time.now();
    const writes = prepared.flatMap(({ key, bytes, tags, life }) =>
      life === undefined
        ? []
        : [{ key, entry: new Entry(bytes, clock.value, bornAt, tags), life, loadTime: 0 }],
    );
    const stored = writes.map(({ key }) => key);
    const dropped = prepared.filter(({ life }) => life === undefined).map(({ key }) => key);
    try {
      await Promise.all([
        stored.length > 0 && this.chain.write(stored, writes, options),
        dropped.length > 0 && this.chain.write(dropped, [], options),
      ]);
    } finally {
      // A read of the remote tier that began meanwhile may have been answered before the write was carried out there.
      const gone = options.memory ? dropped : keys;
      if (gone.length > 0) this.invalidator.apply(invalidationOf({ keys: gone }));
      if (options.memory) for (const key of stored) this.coherence.fences.break(key);
    }
  }

  /**
   * Runs a method that changes something, and stores what it returned. If what it is to be stored under was invalidated or
   * set meanwhile, the result may be the older one: then the key is invalidated instead.
   * @returns what the method returned
   */
  async setResult<T>(run: () => Promise<T>, place: (result: T) => Placement | undefined): Promise<T> {
    const watch = this.coherence.watch();
    try {
      const result = await run();
      const placement = place(result);
      if (placement === undefined) return result;
      const { stored, options } = placement;
      await this.#replace(stored, result, options, watch);
      return result;
    } finally {
      this.coherence.unwatch(watch);
    }
  }

  /** Whatever happens, the older value does not stay. */
  async #replace(stored: string, result: unknown, options: ResolvedOptions, watch: Watch): Promise<void> {
    try {
      if (watch.admits(stored, tagsFor(result, options))) return await this.set([[stored, result]], options);
    } catch (error) {
      await this.invalidator.invalidate(invalidationOf({ keys: [stored] }), false);
      throw error;
    }
    await this.invalidator.invalidate(invalidationOf({ keys: [stored] }), options.strict);
  }
}
