import { parseDuration } from './duration.js';
import { CacheConfigError } from './errors.js';

/**
 * Reads the ttl of a tier.
 * @returns milliseconds; `undefined` when no ttl is given
 * @throws CacheConfigError when it is no duration, or 0
 */
export function optionalTtl(ttl: unknown, option: string): number | undefined {
  if (ttl === undefined) return undefined;
  try {
    const ms = parseDuration(ttl, option);
    if (ms > 0) return ms;
  } catch (error) {
    throw new CacheConfigError(option, (error as Error).message, { cause: error });
  }
  throw new CacheConfigError(
    option,
    `${option} is 0: nothing would be stored; set enabled to false to turn the cache off`,
  );
}
