import type { CacheCodec } from '../codec/codec.js';
import { type ByteSize, parseByteSize } from '../primitives/byte-size.js';
import type { Duration } from '../primitives/duration.js';
import { CacheConfigError, CacheError } from '../primitives/errors.js';
import { optionalTtl } from '../primitives/ttl-option.js';
import type { RedisOptions } from '../stores/redis/redis-options.js';
import type { MemoryTierOptions } from '../tiers/memory-tier.js';
import { checkCodec, checkName, checkObject, checkScope, wrong } from './option-checks.js';
import { DEFAULTS } from './defaults.js';
import { ENTRY_OPTION_NAMES, type EntryOptions } from './entry-options.js';
import { type ResolvedOptions, resolveOptions, unstatedOptions } from './resolve-options.js';

/** The memory tier's options. */
export interface MemoryOptions {
  /** The most entries held; the least recently used go first. Default 1,000. */
  maxSize?: number;
  /** The most bytes held, counted as encoded values: a number, or `'64mb'`. No limit by default. */
  maxBytes?: ByteSize;
  /** How long entries live when nothing else says so. With Redis as well: the longest a copy stays in memory,
   * which is a matter of room, not of staleness. */
  ttl?: Duration;
}

/** The options of one cache. */
export interface CacheOptions {
  /** Tells caches of one application apart: `@InjectCache(name)`, `getCacheToken(name)`. The unnamed one is the default. */
  name?: string;
  /**
   * Begins every key in Redis, as `<namespace>:<key>`. Instances that share entries share it, other applications on the
   * same Redis must not. A colon in it is written `%3A` there. Default: `cache`, and `cache-<name>` for a named cache.
   */
  namespace?: string;
  /** `false` turns the cache off: nothing is stored, and every call goes to its loader. Default true. */
  enabled?: boolean;
  /** `false` for no memory tier. */
  memory?: false | MemoryOptions;
  /** The Redis tier: any option of ioredis, or `url`, `cluster`, `client`; `ttl` besides. Without it memory is the only tier. */
  redis?: RedisOptions;
  /** Options for all entries that do not say otherwise themselves. */
  defaults?: EntryOptions;
  /** How values become bytes, in all tiers. */
  codec?: CacheCodec;
  /**
   * With Redis: the longest an instance serves a value that another one has invalidated, when it cannot hear of that because
   * its connection is cut or dead. After hearing nothing for so long it serves only what was loaded within this time: while Redis cannot be reached, every
   * instance loads each key that is asked for once in this time.
   * At least 100 ms. Default `'10s'`.
   */
  maxStaleness?: Duration;
  /**
   * Slots that tags and key prefixes are spread over, 16 to 16,777,216; 8 bytes each, in every instance and in Redis. Two in one
   * slot are invalidated together, which costs loads and nothing else. Default 65,536. Where instances of a namespace differ,
   * the first one's number counts, and the others say so.
   */
  slots?: number;
  /**
   * About how many messages Redis keeps for instances that are cut off, 100 to 10,000,000; what one instance invalidates in
   * one tick is one. One that has missed more empties
   * its memory when it returns. Default 10,000.
   */
  streamLength?: number;
}

/** Options with everything checked and decided. */
export interface ResolvedCacheOptions {
  readonly name: string;
  readonly namespace: string;
  readonly enabled: boolean;
  readonly memory: MemoryTierOptions | undefined;
  readonly redis: RedisOptions | undefined;
  readonly defaults: ResolvedOptions;
  readonly codec: CacheCodec | undefined;
  /** Milliseconds. */
  readonly maxStaleness: number;
  readonly slots: number;
  readonly streamLength: number;
}

const OPTION_NAMES = [
  'name',
  'namespace',
  'enabled',
  'memory',
  'redis',
  'defaults',
  'codec',
  'maxStaleness',
  'slots',
  'streamLength',
  'isGlobal',
];
const MEMORY_OPTION_NAMES = ['maxSize', 'maxBytes', 'ttl'];

/**
 * Checks a cache's options and fills in what they leave open. The store checks those of `redis`.
 * @throws CacheConfigError that names the option and says what is allowed
 */
export function resolveCacheOptions(options: CacheOptions): ResolvedCacheOptions {
  checkObject(options, 'options', OPTION_NAMES);
  checkScope(options);
  const { name, namespace, enabled = true, memory, redis, defaults, codec } = options;
  if (typeof enabled !== 'boolean') throw wrong('enabled', enabled, 'true or false');
  if (typeof redis === 'string') throw wrong('redis', redis, 'an object; for a URL write { url }');
  if (redis !== undefined) checkObject(redis, 'redis');
  if (enabled && memory === false && redis === undefined) {
    throw new CacheConfigError(
      'memory',
      'memory is false and there is no redis: leave memory out, or set enabled to false',
    );
  }
  if (memory !== undefined && memory !== false) checkObject(memory, 'memory', MEMORY_OPTION_NAMES);
  if (codec !== undefined) checkCodec(codec);
  const memoryTtl = memory ? optionalTtl(memory.ttl, 'memory.ttl') : undefined;
  const redisTtl = optionalTtl(redis?.ttl, 'redis.ttl');
  return {
    name: checkName(name, 'name') ?? DEFAULTS.name,
    namespace: checkName(namespace, 'namespace') ?? defaultNamespace(name),
    enabled,
    memory:
      memory === false ? undefined : resolveMemory(memory ?? {}, redis === undefined ? undefined : memoryTtl),
    redis,
    defaults: checkReach(
      resolveDefaults(defaults, redisTtl ?? memoryTtl ?? DEFAULTS.ttl),
      memory !== false,
      redis !== undefined,
    ),
    codec,
    maxStaleness: checkStaleness(options.maxStaleness),
    slots: checkCount(options.slots, 'slots', 16, 2 ** 24),
    streamLength: checkCount(options.streamLength, 'streamLength', 100, 10_000_000),
  };
}

function checkStaleness(maxStaleness: Duration | undefined): number {
  const ms = optionalTtl(maxStaleness, 'maxStaleness') ?? DEFAULTS.maxStaleness;
  if (ms >= 100) return ms;
  throw wrong('maxStaleness', maxStaleness, "at least 100 ms, such as '2s'");
}

function checkCount(
  count: number | undefined,
  option: 'slots' | 'streamLength',
  least: number,
  most: number,
): number {
  if (count === undefined) return DEFAULTS[option];
  if (Number.isInteger(count) && count >= least && count <= most) return count;
  throw wrong(option, count, `a whole number from ${least} to ${most.toLocaleString('en')}`);
}

function resolveMemory(
  { maxSize = DEFAULTS.maxSize, maxBytes }: MemoryOptions,
  longest: number | undefined,
): MemoryTierOptions {
  // lru-cache sets aside room for all entries at once.
  if (!Number.isInteger(maxSize) || maxSize < 1 || maxSize > 2 ** 27) {
    throw wrong('memory.maxSize', maxSize, 'a whole number of entries from 1 to 134,217,728');
  }
  return {
    maxSize,
    maxBytes: maxBytes === undefined ? undefined : parseByteSize(maxBytes, 'memory.maxBytes'),
    longest,
  };
}

function resolveDefaults(defaults: EntryOptions | undefined, ttl: number): ResolvedOptions {
  const base = unstatedOptions(ttl);
  if (defaults === undefined) return Object.freeze(base);
  checkObject(defaults, 'defaults', ENTRY_OPTION_NAMES);
  try {
    return Object.freeze(resolveOptions(defaults as EntryOptions<never>, base));
  } catch (error) {
    if (!(error instanceof CacheError)) throw error;
    throw new CacheConfigError('defaults', `defaults: ${error.message}`, { cause: error });
  }
}

/** Refuses defaults under which nothing would be stored. */
function checkReach(defaults: ResolvedOptions, hasMemory: boolean, hasRedis: boolean): ResolvedOptions {
  if (defaults.ttl === 0) {
    throw new CacheConfigError(
      'defaults.ttl',
      'defaults.ttl is 0: nothing would be stored; set enabled to false to turn the cache off',
    );
  }
  if ((defaults.memory && hasMemory) || (defaults.redis && hasRedis) || (!hasMemory && !hasRedis))
    return defaults;
  throw new CacheConfigError(
    'defaults.tiers',
    'defaults.tiers names only tiers that this cache does not have',
  );
}

function defaultNamespace(name: string | undefined): string {
  return name === undefined || name === DEFAULTS.name ? DEFAULTS.namespace : `${DEFAULTS.namespace}-${name}`;
}
