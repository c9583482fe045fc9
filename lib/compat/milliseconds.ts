import { CacheArgumentError, CacheDurationError } from '../primitives/errors.js';
import { show } from '../primitives/show.js';

/** For ever, as far as a cache is concerned, in seconds: a year. */
const FOR_EVER = 365 * 86_400;

/** 100 years, in milliseconds: the longest ttl of this package. */
const LONGEST = 100 * 365 * 86_400_000;

/**
 * A ttl as cache-manager has it.
 * @param ttl milliseconds; 0, none, or `Infinity` is for ever
 * @returns seconds
 * @throws CacheDurationError when it is anything else
 */
export function secondsOf(ttl: unknown): number {
  if (ttl === undefined || ttl === 0 || ttl === Infinity) return FOR_EVER;
  if (typeof ttl === 'number' && ttl > 0 && ttl <= LONGEST) return Math.ceil(ttl) / 1000;
  throw new CacheDurationError(
    `ttl is ${show(ttl)}: nestjs-tiered-cache/compat takes a number of milliseconds, as cache-manager 6 and 7 do, not below 0 ` +
      `and up to ${LONGEST} (100 years); 0 is for ever`,
  );
}

/**
 * From which part of its life on a value is refreshed.
 * @param threshold milliseconds before its end
 * @param ttl milliseconds
 * @throws CacheArgumentError when that is no part of its life
 */
export function refreshAheadOf(threshold: unknown, ttl: unknown): number {
  if (typeof threshold === 'number' && typeof ttl === 'number' && threshold > 0 && threshold < ttl) {
    return 1 - threshold / ttl;
  }
  throw new CacheArgumentError(
    `refreshThreshold is ${show(threshold)} and ttl ${show(ttl)}: expected two numbers of milliseconds, the first below the second. ` +
      'For anything else call getOrSet of CacheManager, with refreshAhead',
  );
}
