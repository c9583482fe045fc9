import type { Invalidation } from '../coherence/invalidation.js';
import type { CacheStats } from '../observability/stats.js';
import type { NamedKey } from './named-key.js';
import type { EntryOptions } from './entry-options.js';
import type { BatchLoadContext, LoadContext } from './load-context.js';

// Options arrive typed for the caller's value and are checked here at run time.
type Options = EntryOptions<never> | undefined;

/**
 * What is behind a `CacheManager` and all its views. Keys are stored keys: checked, and unique across views. Values are
 * of types that only the caller knows.
 */
export interface CacheEngine {
  /** A fresh value in memory, counted as a hit; `undefined` otherwise, and then nothing is counted. */
  fresh(stored: string, options: Options): unknown;
  peek(stored: string, options: Options): unknown;
  has(stored: string): Promise<boolean>;
  /** Called after `fresh` had nothing. */
  get(stored: string, options: Options): Promise<unknown>;
  /** Called after `fresh` had nothing. */
  getOrSet(
    stored: string,
    key: string,
    loader: (context: LoadContext) => unknown,
    options: Options,
  ): Promise<unknown>;
  getMany(keys: readonly NamedKey[], options: Options): Promise<Map<string, unknown>>;
  getOrSetMany(
    keys: readonly NamedKey[],
    loadMissing: (missing: string[], context: BatchLoadContext) => unknown,
    options: Options,
  ): Promise<Map<string, unknown>>;
  set(entries: readonly (readonly [stored: string, value: unknown])[], options: Options): Promise<void>;
  /** Runs `run` and stores what it returned where `place` says, unless that was invalidated while it ran. */
  setResult<T>(
    run: () => Promise<T>,
    place: (result: T) => { readonly stored: string; readonly options: Options } | undefined,
  ): Promise<T>;
  /** @returns how many of the named keys were there; 0 when none were named */
  invalidate(invalidation: Invalidation): Promise<number>;
  stats(): CacheStats;
  /**
   * Ends background work and connections. Reads then find nothing, loaders still run, writes are refused.
   * @returns how many keys, tags and patterns Redis could not be told of
   */
  close(): Promise<number>;
}
