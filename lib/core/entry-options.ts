import type { ClassType } from '../codec/class-type.js';
import type { TierName } from '../observability/outcome.js';
import { didYouMean } from '../primitives/did-you-mean.js';
import { type Duration, parseDuration } from '../primitives/duration.js';
import { CacheArgumentError } from '../primitives/errors.js';
import { show } from '../primitives/show.js';
import { checkEntryTags } from '../primitives/tags.js';
import type { Isolation } from '../tiers/values.js';

/** How one entry is stored and read. Given per call, per decorator, and as `defaults` of a cache. */
export interface EntryOptions<T = unknown> {
  /**
   * How long the entry lives: seconds as a number, or a string with a unit (`'250ms'`, `'5m'`). 0 means do not store.
   * Without it: `defaults.ttl`, else the Redis tier's ttl, else the memory tier's, else one hour.
   */
  ttl?: Duration;
  /** What `invalidateTags` finds the entry by, or a function that derives it from the value. */
  tags?: readonly string[] | ((value: T) => readonly string[]);
  /**
   * The class the value, or each element if it is an array, is an instance of. Values are stored as plain data; a reader
   * that names the class gets instances of it, its own ones on each read. Needs `class-transformer`.
   */
  type?: ClassType<T extends readonly (infer E)[] ? E : NonNullable<T>> | ClassType;
  /** How readers are kept from changing what others read; see {@link Isolation}. */
  isolation?: Isolation;
  /** The tiers that are read and written: both, unless said otherwise. */
  tiers?: readonly TierName[];
  /**
   * Whether a `set`, and as `defaults.strict` every invalidation, rejects with `CacheStoreError` when Redis could not be told
   * of it. Without it the call resolves, this process goes on with the new state, and Redis is told as soon as that is
   * possible. Without effect on reads. Default false.
   */
  strict?: boolean;
}

/** Entry options with everything decided. */
export interface ResolvedOptions {
  /** Milliseconds; 0 means do not store. */
  readonly ttl: number;
  readonly tags: readonly string[] | undefined;
  readonly tagsOf: ((value: unknown) => readonly string[]) | undefined;
  readonly type: ClassType | undefined;
  readonly isolation: Isolation | undefined;
  readonly memory: boolean;
  readonly redis: boolean;
  readonly strict: boolean;
}

/** What an entry gets when nobody says anything but its ttl, in milliseconds. */
export function unstatedOptions(ttl: number): ResolvedOptions {
  return {
    ttl,
    tags: undefined,
    tagsOf: undefined,
    type: undefined,
    isolation: undefined,
    memory: true,
    redis: true,
    strict: false,
  };
}

/** The names {@link EntryOptions} may hold. */
export const ENTRY_OPTION_NAMES = ['ttl', 'tags', 'type', 'isolation', 'tiers', 'strict'] as const;

/** In seconds. A longer ttl may still be right: it is then left to the parser to say. */
const LONGEST_TTL = 1e9;

const NAMES: ReadonlySet<string> = new Set(ENTRY_OPTION_NAMES);
const ISOLATIONS: readonly unknown[] = ['share', 'freeze', 'clone'];
const TIERS: readonly unknown[] = ['memory', 'redis'];

/**
 * Checks a call's options and fills in what they leave open.
 * @throws CacheDurationError, CacheArgumentError
 */
export function resolveOptions(
  options: EntryOptions<never> | undefined,
  defaults: ResolvedOptions,
): ResolvedOptions {
  if (options === undefined) return defaults;
  if (typeof options !== 'object' || options === null)
    throw new CacheArgumentError('options must be an object');
  for (const name in options) if (!NAMES.has(name)) throw unknownOption(name);
  const { ttl, tags, type, isolation, tiers, strict } = options as EntryOptions;
  if (type !== undefined && typeof type !== 'function') throw new CacheArgumentError('type must be a class');
  if (isolation !== undefined && !ISOLATIONS.includes(isolation)) {
    throw new CacheArgumentError(`isolation must be 'share', 'freeze' or 'clone', not ${show(isolation)}`);
  }
  if (tiers !== undefined) checkTiers(tiers);
  if (strict !== undefined && typeof strict !== 'boolean') {
    throw new CacheArgumentError(`strict must be true or false, not ${show(strict)}`);
  }
  return {
    ttl: ttl === undefined ? defaults.ttl : parseDuration(ttl, 'ttl'),
    tags: tags === undefined ? defaults.tags : typeof tags === 'function' ? undefined : checkEntryTags(tags),
    tagsOf: tags === undefined ? defaults.tagsOf : typeof tags === 'function' ? tags : undefined,
    type: type ?? defaults.type,
    isolation: isolation ?? defaults.isolation,
    memory: tiers === undefined ? defaults.memory : tiers.includes('memory'),
    redis: tiers === undefined ? defaults.redis : tiers.includes('redis'),
    strict: strict ?? defaults.strict,
  };
}

function unknownOption(name: string): CacheArgumentError {
  const known = ENTRY_OPTION_NAMES.join(', ');
  return new CacheArgumentError(
    `unknown option ${name}${didYouMean(name, ENTRY_OPTION_NAMES)}: an entry's options are ${known}`,
  );
}

function checkTiers(tiers: unknown): void {
  if (Array.isArray(tiers) && tiers.length > 0 && tiers.every((tier) => TIERS.includes(tier))) return;
  throw new CacheArgumentError(
    `tiers must be a list of 'memory' and 'redis', not ${Array.isArray(tiers) ? `[${tiers.map(show).join(', ')}]` : show(tiers)}`,
  );
}

/**
 * Whether a memory hit has to look at the options at all. A ttl does not matter to a hit, but a wrong one is an error at
 * every call, not only at those that miss.
 */
export function needsResolving(options: EntryOptions<never>): boolean {
  if (typeof options !== 'object' || options === null) return true;
  if (options.type !== undefined || options.isolation !== undefined || options.tiers !== undefined)
    return true;
  const { ttl, tags, strict } = options;
  if (strict !== undefined && typeof strict !== 'boolean') return true;
  if (tags !== undefined && typeof tags !== 'function' && !Array.isArray(tags)) return true;
  return ttl !== undefined && !(typeof ttl === 'number' && ttl >= 0 && ttl <= LONGEST_TTL);
}
