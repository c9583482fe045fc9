import type {
  InjectionToken,
  ModuleMetadata,
  OptionalFactoryDependency,
  Provider,
  Type,
} from '@nestjs/common';

import type { CacheOptions as TieredCacheOptions } from '../core/cache-options.js';
import { unknownOption } from '../primitives/did-you-mean.js';
import { CacheConfigError } from '../primitives/errors.js';
import { refreshAheadOf, secondsOf } from './milliseconds.js';

/**
 * What a factory for `CacheModule.registerAsync` returns: `ttl` and the others here as `@nestjs/cache-manager` has them, and any
 * option of this package's own module besides, `redis` above all.
 * @typeParam _Store what a store takes, there. Here it says nothing
 */
export interface CacheOptions<_Store = unknown> extends Omit<TieredCacheOptions, 'name'> {
  /** How long entries and responses live that do not say so themselves, in **milliseconds**. 0, or none: for ever (a year). */
  ttl?: number;
  /** The most entries that memory holds; the least recently used go first. Default 1,000. */
  max?: number;
  /** How many milliseconds before its end `wrap` refreshes a value in the background; below `ttl`. Default: it does not. */
  refreshThreshold?: number;
}

/** What `CacheModule.register` takes. */
export interface CacheModuleOptions<_Store = unknown> extends CacheOptions<_Store> {
  /** Whether every module may inject the cache without importing this one. Default false. */
  isGlobal?: boolean;
}

/** A provider that makes options, for `useClass` and `useExisting`. */
export interface CacheOptionsFactory<_Store = unknown> {
  /** The options of the cache. */
  createCacheOptions(): CacheOptions | Promise<CacheOptions>;
}

/** What `CacheModule.registerAsync` takes: exactly one of `useFactory`, `useClass` and `useExisting`. */
export interface CacheModuleAsyncOptions<_Store = unknown> extends Pick<ModuleMetadata, 'imports'> {
  /** Whether every module may inject the cache without importing this one. Default false. */
  isGlobal?: boolean;
  /** What `useFactory` is given. */
  inject?: (InjectionToken | OptionalFactoryDependency)[];
  /** Makes the options from what `inject` names. */
  // The arguments are whatever `inject` names.
  // oxlint-disable-next-line typescript/no-explicit-any
  useFactory?: (...args: any[]) => CacheOptions | Promise<CacheOptions>;
  /** A class that is instantiated to make the options. */
  useClass?: Type<CacheOptionsFactory>;
  /** A provider, exported by one of `imports`, that makes the options. */
  useExisting?: InjectionToken<CacheOptionsFactory>;
  /** Providers beside it that it needs. */
  extraProviders?: Provider[];
}

const STORES =
  "there are no stores to choose from: write redis: { url: 'redis://…' } for memory in front of Redis, and nothing for memory alone";

/** All there are. */
const NAMES = Object.keys({
  ttl: true,
  max: true,
  refreshThreshold: true,
  isGlobal: true,
  namespace: true,
  redis: true,
  memory: true,
  enabled: true,
  defaults: true,
  codec: true,
  maxStaleness: true,
  slots: true,
  streamLength: true,
} satisfies Record<keyof CacheModuleOptions, true>);

/** What cannot be taken over, and what to do. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  stores: STORES,
  store: STORES,
  nonBlocking: 'leave it out: nobody waits for a Redis that is slow',
  refreshAllStores: 'leave it out: a value that is refreshed is stored in memory and in Redis',
  cacheId: 'leave it out: namespace tells caches on one Redis apart',
  name: "this cache has none: for others use CacheModule.forRoot({ name }) of 'nestjs-tiered-cache' beside it",
};

/**
 * The options of this package's own module.
 * @throws CacheConfigError for what cannot be taken over
 */
export function tieredOptions(given: CacheOptions): TieredCacheOptions {
  if (typeof given !== 'object' || given === null) {
    throw new CacheConfigError('options', 'the options must be an object, such as { ttl: 60_000 }');
  }
  for (const option of Object.keys(given)) {
    if (NAMES.includes(option)) continue;
    const instead = Object.hasOwn(ELSEWHERE, option) ? ELSEWHERE[option] : undefined;
    throw new CacheConfigError(
      option,
      instead === undefined
        ? unknownOption(option, NAMES)
        : `${option} is not an option of nestjs-tiered-cache/compat: ${instead}`,
    );
  }
  const { ttl, max, refreshThreshold, memory, defaults, ...rest } = given;
  if (defaults?.ttl !== undefined) {
    throw new CacheConfigError(
      'defaults.ttl',
      'defaults.ttl says nothing of responses: write ttl beside defaults, in milliseconds, which holds for both',
    );
  }
  try {
    if (refreshThreshold !== undefined) refreshAheadOf(refreshThreshold, ttl);
    return {
      ...withoutScope(rest),
      memory: max === undefined || memory === false ? memory : { ...memory, maxSize: max },
      defaults: { ttl: secondsOf(ttl), ...defaults },
    };
  } catch (error) {
    const option = refreshThreshold === undefined ? 'ttl' : 'refreshThreshold';
    throw new CacheConfigError(option, (error as Error).message, { cause: error });
  }
}

/** Is told to Nest. */
function withoutScope({ isGlobal, ...options }: CacheModuleOptions): TieredCacheOptions {
  void isGlobal;
  return options;
}
