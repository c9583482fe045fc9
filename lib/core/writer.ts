import type { Coherence } from '../coherence/coherence.js';
import type { Watch } from '../coherence/watches.js';
import type { Recorder } from '../observability/recorder.js';
import { checkUnicode } from '../primitives/key.js';
import { Entry } from '../tiers/entry.js';
import type { RemoteWrite } from '../tiers/remote-tier.js';
import type { TierChain } from '../tiers/tier-chain.js';
import type { Values } from '../tiers/values.js';
import type { ResolvedOptions } from './entry-options.js';
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
    private readonly values: Values,
    private readonly recorder: Recorder,
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
      return { key, bytes: this.values.encode(key, value), tags: tagsFor(value, options) };
    });
    if (prepared.length === 0) return;
    const keys = prepared.map(({ key }) => key);
    this.recorder.invalidated('set', keys);
    this.chain.apply({ kind: 'keys', keys });
    const asOf = this.coherence.clock.value;
    try {
      await Promise.all([
        this.#store(
          prepared.map(({ key, bytes, tags }) => ({
            key,
            entry: new Entry(bytes, asOf, tags),
            ttl: options.ttl,
          })),
          options,
        ),
        this.#removeFromOthers(keys, options),
      ]);
    } finally {
      // A read of the remote tier that began meanwhile may have been answered before the write was carried out there.
      if (options.memory && options.ttl > 0) for (const key of keys) this.coherence.fences.break(key);
      else this.chain.apply({ kind: 'keys', keys });
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
      await this.chain.invalidate({ kind: 'keys', keys: [stored] });
      throw error;
    }
    await this.chain.invalidate({ kind: 'keys', keys: [stored] });
  }

  async #store(writes: readonly RemoteWrite[], options: ResolvedOptions): Promise<void> {
    if (options.ttl > 0) await this.chain.write(writes, options);
  }

  /** A tier that this write leaves out would bring the older value back later. Memory has been emptied already. */
  async #removeFromOthers(keys: readonly string[], options: ResolvedOptions): Promise<void> {
    if (options.redis && options.ttl > 0) return;
    await this.chain.remote?.remove(keys);
  }
}
