import type { CacheManager } from '../core/cache-manager.js';
import type { EntryOptions } from '../core/entry-options.js';
import type { LoadContext } from '../core/load-context.js';
import { CacheArgumentError } from '../primitives/errors.js';
import { checkKey } from '../primitives/key.js';
import { show } from '../primitives/show.js';
import { refreshAheadOf, secondsOf } from './milliseconds.js';
import { nameTag } from './response-names.js';

/** How `wrap` keeps a value; times in milliseconds. */
export interface WrapOptions<T> {
  /** How long, or a function of the value that says so, or that gives `undefined`. Default: the module's. */
  ttl?: number | ((value: T) => number | undefined);
  /** How long before its end it is refreshed in the background. Default: the module's. */
  refreshThreshold?: number;
}

/** A value under a key, for `mset`. */
export interface CacheItem<T> {
  readonly key: string;
  readonly value: T;
  /** Milliseconds; 0 is for ever. Default: the module's. */
  readonly ttl?: number;
}

/** What is read may be changed by whoever reads it, as there: everybody has his own. */
const OWN = Object.freeze({ isolation: 'clone' } as const);

/**
 * A cache with the calls of cache-manager 6 and 7, over {@link CacheManager}: what one stores, the other reads. Times are
 * **milliseconds**, and 0 is for ever; a value that is missing is `undefined`. Errors are those of `CacheManager`; what cannot be
 * taken over throws `CacheArgumentError`, which says what to do.
 */
export class Cache {
  /** @internal Made by `CacheModule` of this entry. */
  constructor(
    /** @internal */
    readonly manager: CacheManager,
    /** @internal */
    readonly settings: { readonly ttl?: number | undefined; readonly refreshThreshold?: number | undefined },
  ) {
    bindCalls(this);
  }

  /** The value of a key; `undefined` when there is none. */
  get<T = unknown>(key: string): Promise<T | undefined> {
    return this.manager.get<T>(key, OWN);
  }

  /** The values of several keys, in their order; `undefined` where there is none. */
  async mget<T = unknown>(keys: string[]): Promise<(T | undefined)[]> {
    const found = await this.manager.getMany<T>(listOf(keys, 'mget'), OWN);
    return keys.map((key) => found.get(key));
  }

  /**
   * Stores a value; `undefined` removes what is there.
   * @param ttl milliseconds; 0 and `Infinity` are for ever. Default: the module's
   * @returns the value
   */
  async set<T>(key: string, value: T, ttl?: number): Promise<T> {
    const options = ttlOption(ttl);
    if (value === undefined) await this.manager.delete(key);
    else await this.manager.set(key, value, options);
    return value;
  }

  /** Stores several values; `undefined` removes what is there. Of items with one key the last counts. */
  async mset<T>(list: CacheItem<T>[]): Promise<CacheItem<T>[]> {
    const items = new Map(listOf(list, 'mset').map((item) => [item.key, item]));
    const removed: string[] = [];
    const lifetimes = new Map<number | undefined, [string, unknown][]>();
    for (const { key, value, ttl } of items.values()) {
      if (value === undefined) removed.push(key);
      else lifetimes.set(ttl, [...(lifetimes.get(ttl) ?? []), [key, value]]);
    }
    await Promise.all([
      this.manager.deleteMany(removed),
      ...Array.from(lifetimes, ([ttl, entries]) => this.manager.setMany(entries, ttlOption(ttl))),
    ]);
    return list;
  }

  /**
   * Makes the value of a key unusable, and the cached responses that have it for a name: by `@CacheKey`, or as their path, in which
   * case those to all queries.
   */
  async del(key: string): Promise<boolean> {
    return this.mdel([key]);
  }

  /** As {@link del}, for several keys. */
  async mdel(keys: string[]): Promise<boolean> {
    await this.manager.invalidate(listOf(keys, 'mdel'), keys.map(nameOf), []);
    return true;
  }

  /** Makes everything unusable: entries and responses. */
  async clear(): Promise<boolean> {
    await this.manager.clear();
    return true;
  }

  /** As {@link clear}, by its name in cache-manager 5. */
  async reset(): Promise<void> {
    await this.manager.clear();
  }

  /**
   * The value of a key, or else what `load` returns, which is stored. All who ask meanwhile share one call, in all processes.
   * @throws what `load` throws
   */
  async wrap<T>(
    key: string,
    load: () => T | Promise<T>,
    ttlOrOptions?: number | ((value: T) => number | undefined) | WrapOptions<T>,
    refreshThreshold?: number,
  ): Promise<T> {
    const given =
      typeof ttlOrOptions === 'object' && ttlOrOptions !== null
        ? ttlOrOptions
        : { ttl: ttlOrOptions, refreshThreshold };
    if ((given as { raw?: unknown }).raw === true)
      throw unsupported('wrap with raw', 'entries do not tell when they expire');
    const ttl = given.ttl ?? this.settings.ttl;
    const run = async (context: LoadContext<T>): Promise<T> => {
      const value = await load();
      const own = typeof ttl === 'function' ? ttlOption(ttl(value)).ttl : undefined;
      if (own !== undefined) context.setTtl(own);
      return value;
    };
    return this.manager.getOrSet<T>(key, run, this.#wrapOptions(ttl, given));
  }

  #wrapOptions<T>(ttl: unknown, given: WrapOptions<T>): EntryOptions {
    const threshold = given.refreshThreshold ?? this.settings.refreshThreshold;
    const own = typeof given.ttl === 'function' ? undefined : given.ttl;
    if (threshold === undefined && own === undefined) return OWN;
    return {
      ...OWN,
      ...ttlOption(own),
      ...(threshold !== undefined && { refreshAhead: refreshAheadOf(threshold, ttl) }),
    };
  }

  /** Not supported. @throws CacheArgumentError */
  async ttl(_key: string): Promise<never> {
    throw unsupported('ttl', 'entries do not tell when they expire: keep that in the value, if it is needed');
  }

  /** Not supported. @throws CacheArgumentError */
  on(_event: string, _listener: (...args: never[]) => void): never {
    throw unsupported('on', "subscribe to the diagnostics channel 'nestjs-tiered-cache'");
  }

  /** Not supported. @throws CacheArgumentError */
  off(_event: string, _listener: (...args: never[]) => void): never {
    throw unsupported('off', "subscribe to the diagnostics channel 'nestjs-tiered-cache'");
  }

  /** Not supported. @throws CacheArgumentError */
  cacheId(): never {
    throw unsupported('cacheId', 'caches are told apart by their namespace');
  }

  /** Does nothing: the cache is closed with its application. */
  async disconnect(): Promise<undefined> {
    return undefined;
  }

  /** Not supported. @throws CacheArgumentError */
  get stores(): never {
    throw unsupported(
      'stores',
      'inject CacheManager: clearPattern removes keys by pattern, stats() counts; for Redis itself use a client of your own',
    );
  }

  /** Not supported. @throws CacheArgumentError */
  get store(): never {
    return this.stores;
  }
}

/** Calls may be taken out of a cache, as there: `const { get, set } = cache`. */
function bindCalls(cache: Cache): void {
  const own = cache as unknown as Record<string, Function>;
  for (const [call, { value }] of Object.entries(Object.getOwnPropertyDescriptors(Cache.prototype))) {
    if (typeof value === 'function' && call !== 'constructor') own[call] = own[call]!.bind(cache) as Function;
  }
}

function ttlOption(ttl: number | undefined): { readonly ttl?: number } {
  return ttl === undefined || ttl === null ? {} : { ttl: secondsOf(ttl) };
}

function nameOf(key: string): string {
  checkKey(key);
  return nameTag(key);
}

function listOf<T>(list: T[], call: string): T[] {
  if (Array.isArray(list) && !list.some((one) => Array.isArray(one))) return list;
  throw new CacheArgumentError(
    `${call} takes one list, ${call === 'mset' ? 'of { key, value, ttl }' : 'of keys'}, as in cache-manager 6 and 7, not ${show(list)}`,
  );
}

function unsupported(call: string, instead: string): CacheArgumentError {
  return new CacheArgumentError(`nestjs-tiered-cache/compat has no ${call}: ${instead}`);
}
