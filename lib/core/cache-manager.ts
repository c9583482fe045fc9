import { invalidationOf, sizeOf } from '../coherence/invalidation.js';
import { checkKey, storedKey, viewPrefix } from '../primitives/key.js';
import { checkTags } from '../primitives/tags.js';
import type { CacheStats } from '../observability/stats.js';
import { checkEntries, checkLoader, distinctKeys, type Names } from './arguments.js';
import type { NamedKey } from './named-key.js';
import type { CacheEngine } from './cache-engine.js';
import type { EntryOptions } from './entry-options.js';
import type { BatchLoadContext, LoadContext } from './load-context.js';
import { matchingAny } from './pattern.js';

/**
 * A tiered cache: memory first, then Redis, then the loader. Injected by this class for the default cache, by
 * `@InjectCache(name)` for a named one.
 *
 * **Values.** `undefined` means "nothing here" and is never stored; `null`, `0`, `''` and `false` are values like any
 * other. What is read equals what was stored, from whichever tier it comes; plain data is frozen, other objects are the
 * reader's own ({@link EntryOptions.isolation}).
 *
 * **Time.** A ttl is seconds as a number, or a string with its unit. The call's ttl wins; otherwise `defaults.ttl`, the
 * Redis tier's, the memory tier's, one hour. `ttl: 0` means do not store.
 *
 * **Keys** are strings of 1 to 1,024 characters. Every method rejects with a `CacheError` when an argument is wrong, and
 * has then changed nothing.
 *
 * **When Redis fails**, reads are misses; writes and invalidations take effect in this process, and Redis is told as soon as
 * that is possible. With `strict` they reject with `CacheStoreError` besides: other instances may serve the older value.
 */
export class CacheManager {
  readonly #engine: CacheEngine;
  readonly #view: string;

  /** @internal Caches are made by `CacheModule`, views by {@link namespace}. */
  constructor(engine: CacheEngine, view = '') {
    this.#engine = engine;
    this.#view = view;
  }

  /**
   * The value of a key.
   * @returns `undefined` on a miss; `null` if `null` was stored
   * @throws CacheKeyError
   */
  async get<T = unknown>(key: string, options?: EntryOptions<T>): Promise<T | undefined> {
    const hit = this.fresh<T>(key, options);
    if (hit !== undefined) return hit;
    return this.#engine.get(this.#stored(key), options) as Promise<T | undefined>;
  }

  /**
   * The value of a key if it is fresh in memory: synchronous, asks no other tier, is not counted in `stats()` and does
   * not make the entry recently used.
   * @throws CacheKeyError
   */
  peek<T = unknown>(key: string, options?: EntryOptions<T>): T | undefined {
    checkKey(key);
    return this.#engine.peek(this.#stored(key), options) as T | undefined;
  }

  /**
   * Whether `get` would find something, in any tier. Not counted in `stats()`, and copies nothing into memory.
   * @throws CacheKeyError
   */
  async has(key: string): Promise<boolean> {
    checkKey(key);
    return this.#engine.has(this.#stored(key));
  }

  /**
   * Stores a value in all tiers, or in those of `options.tiers`, whence it is removed from the others. Once it has
   * returned, no read in this process sees an older value, and no load that began before can bring one back. `ttl: 0`
   * stores nothing and removes what was there.
   * @throws CacheKeyError, CacheValueError, CacheDurationError, CacheArgumentError; CacheStoreError when Redis could not be
   * told and `strict` is set
   */
  async set<T>(key: string, value: T, options?: EntryOptions<T>): Promise<void> {
    checkKey(key);
    return this.#engine.set([[this.#stored(key), value]], options);
  }

  /**
   * The value of a key, from a tier or else from `loader`, whose result is then stored.
   *
   * Callers who ask for a key while it is being loaded share that one load and its outcome, a failure included; the
   * options of the first decide how it is stored. Among processes one loads and the others wait, for up to 10 seconds. A failed load is not remembered. A loader that returns `undefined`
   * stores nothing. A result that an invalidation has overtaken goes to the callers who asked before it and is not
   * stored. The value is handed out as a hit would be, never the loader's own object.
   * @throws what `loader` throws; CacheKeyError, CacheDurationError, CacheArgumentError; CacheValueError when the value
   * cannot be cached; CacheReentrancyError when the
   * loader, before it first waits, asks for the key it is loading (one that does so later waits for itself)
   */
  async getOrSet<T>(
    key: string,
    loader: (context: LoadContext<T>) => T | Promise<T>,
    options?: EntryOptions<NoInfer<T>>,
  ): Promise<T> {
    checkLoader(loader, key);
    const hit = this.fresh<T>(key, options);
    if (hit !== undefined) return hit;
    const load = loader as (context: LoadContext) => unknown;
    return this.#engine.getOrSet(this.#stored(key), key, load, options) as Promise<T>;
  }

  /**
   * The values of several keys, with one request to Redis for those that memory does not have.
   * @returns the keys that are present, in the order asked; a key asked for twice comes once; empty for no keys
   * @throws CacheKeyError, CacheArgumentError
   */
  async getMany<T = unknown>(keys: Iterable<string>, options?: EntryOptions<T>): Promise<Map<string, T>> {
    return this.#engine.getMany(this.#named(keys), options) as Promise<Map<string, T>>;
  }

  /**
   * Stores several values with one request to Redis. All of them are checked first: if one is bad, none is stored. Of
   * entries with the same key the last one counts; for no entries nothing happens.
   * @param entries pairs of key and value; a `Map` is one
   * @throws as {@link set}
   */
  async setMany(
    entries: Iterable<readonly [key: string, value: unknown]>,
    options?: EntryOptions,
  ): Promise<void> {
    const stored = checkEntries(entries).map(([key, value]) => [this.#stored(key), value] as const);
    return this.#engine.set(stored, options);
  }

  /**
   * The values of several keys, from the tiers or else from one call of `loadMissing`, which is given exactly the keys
   * that are neither stored nor being loaded by somebody else, without duplicates and in the order asked. It is not
   * called when there are none. Keys that its Map lacks, or has as `undefined`, are missing from the result as well, and
   * nothing is stored for them; keys in its Map that were not asked for are ignored.
   * @returns the keys that have a value, in the order asked; empty for no keys
   * @throws what `loadMissing` throws, or the load of somebody else that was joined; CacheValueError when a value cannot be
   * cached, in which case none of the batch is stored; CacheKeyError, CacheDurationError, CacheArgumentError
   */
  async getOrSetMany<T>(
    keys: Iterable<string>,
    loadMissing: (missing: string[], context: BatchLoadContext) => Map<string, T> | Promise<Map<string, T>>,
    options?: EntryOptions<NoInfer<T>>,
  ): Promise<Map<string, T>> {
    checkLoader(loadMissing);
    return this.#engine.getOrSetMany(this.#named(keys), loadMissing, options) as Promise<Map<string, T>>;
  }

  /**
   * Makes a key's value unusable, and whatever is being loaded for it.
   * @returns whether a value was in any tier, be it expired and kept; as far as memory knows when Redis could not be told
   * @throws CacheKeyError; CacheStoreError when Redis could not be told and `defaults.strict` is set
   */
  async delete(key: string): Promise<boolean> {
    checkKey(key);
    return (await this.#engine.invalidate(invalidationOf({ keys: [this.#stored(key)] }))) > 0;
  }

  /**
   * As {@link delete} for several keys.
   * @returns how many different ones of them had a value in any tier; 0 for no keys
   * @throws as {@link delete}
   */
  async deleteMany(keys: Iterable<string>): Promise<number> {
    const stored = this.#named(keys).map((key) => key.stored);
    return stored.length === 0 ? 0 : this.#engine.invalidate(invalidationOf({ keys: stored }));
  }

  /**
   * Makes every entry that carries one of the tags unusable; for no tags nothing happens. Tags are common to all views.
   * @throws CacheArgumentError for a malformed tag; CacheStoreError when Redis could not be told and `defaults.strict` is set
   */
  async invalidateTags(tags: readonly string[]): Promise<void> {
    const checked = checkTags(tags);
    if (checked.length > 0) await this.#engine.invalidate(invalidationOf({ tags: checked }));
  }

  /**
   * Makes every entry whose key matches unusable: `*` stands for any characters, `?` for one, `[abc]` for one of a set,
   * `\*` for the character itself. `user:*`, a beginning that ends in a colon, costs the same for any number of keys;
   * other patterns look at every key, in memory and in Redis. `*` alone is {@link clear}; any other pattern matches keys of this view only,
   * not those of views inside it.
   * @throws CacheArgumentError for a malformed pattern; CacheStoreError when Redis could not be told and `defaults.strict` is set
   */
  async clearPattern(glob: string): Promise<void> {
    await this.#engine.invalidate(invalidationOf(matchingAny(this.#view, [glob])));
  }

  /**
   * Makes every entry of this cache, or of this view and the views inside it, unusable. Nothing else on the same Redis is
   * touched.
   * @throws CacheStoreError when Redis could not be told and `defaults.strict` is set
   */
  async clear(): Promise<void> {
    await this.#engine.invalidate(invalidationOf({ prefixes: [this.#view] }));
  }

  /**
   * A view of this cache with keys of its own: same tiers, options and statistics. `namespace('a').set('b:c', …)`,
   * `namespace('a').namespace('b').set('c', …)` and `set('a:b:c', …)` are three entries.
   * @throws CacheArgumentError unless the name is a string of 1 to 256 characters
   */
  namespace(name: string): CacheManager {
    return new CacheManager(this.#engine, viewPrefix(this.#view, name));
  }

  /** What has happened so far in this cache, all its views included; see {@link CacheStats}. */
  stats(): CacheStats {
    return this.#engine.stats();
  }

  /**
   * A hit that needs nothing but memory; counted when it is one.
   * @internal The path of every memory hit: synchronous, and without allocation for a shared value.
   */
  fresh<T>(key: string, options?: EntryOptions<T>): T | undefined {
    checkKey(key);
    return this.#engine.fresh(this.#stored(key), options) as T | undefined;
  }

  /**
   * Runs a method and stores what it returned, unless that was invalidated or set while it ran.
   * @internal For `@UpdatesCache`.
   */
  async setResult<T>(
    run: () => Promise<T>,
    place: (result: T) => { readonly key: string; readonly options: EntryOptions<T> } | undefined,
  ): Promise<T> {
    return this.#engine.setResult(run, (result) => {
      const placement = place(result);
      if (placement === undefined) return undefined;
      checkKey(placement.key);
      return { stored: this.#stored(placement.key), options: placement.options };
    });
  }

  /**
   * Makes everything that is named unusable, in one go.
   * @internal For `@InvalidatesCache`.
   */
  async invalidate(keys: Names, tags: Names, patterns: Names): Promise<void> {
    const stored = this.#named(keys).map((key) => key.stored);
    const invalidation = { keys: stored, tags: checkTags(tags), ...matchingAny(this.#view, patterns) };
    if (sizeOf(invalidation) > 0) await this.#engine.invalidate(invalidation);
  }

  #stored(key: string): string {
    return storedKey(this.#view, key);
  }

  #named(keys: Iterable<string>): NamedKey[] {
    return Array.from(distinctKeys(keys), (key) => ({ key, stored: this.#stored(key) }));
  }
}
