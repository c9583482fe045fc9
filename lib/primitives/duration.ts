import { CacheDurationError } from './errors.js';
import { show } from './show.js';

/**
 * A length of time. **A bare number is seconds**, as in Redis `EX` and HTTP `max-age`; a string carries its unit:
 * `'250ms'`, `'30s'`, `'5m'`, `'1h'`, `'7d'`. Fractions are allowed (`0.5`, `'1.5h'`).
 */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The longest duration taken, 100 years: more is a mistake in the unit, and Redis refuses it. */
const LONGEST = 100 * 365 * 86_400_000;

/**
 * Reads a duration.
 * @param what what is being read, for the error's message: `ttl`, `memory.ttl`
 * @returns milliseconds, rounded up to a whole one, so that no positive duration becomes 0
 * @throws CacheDurationError when it is negative, NaN, infinite, longer than 100 years, or not a number with a unit
 */
export function parseDuration(duration: unknown, what: string): number {
  const ms = toMilliseconds(duration);
  if (ms >= 0 && ms <= LONGEST) return Math.ceil(ms);
  throw new CacheDurationError(
    `${what} is ${show(duration)}: expected seconds as a number that is not negative, or a string with a unit ` +
      `('250ms', '30s', '5m', '1h', '7d'), up to 100 years`,
  );
}

function toMilliseconds(duration: unknown): number {
  if (typeof duration === 'number') return duration * 1000;
  if (typeof duration !== 'string') return NaN;
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(duration);
  return match ? Number(match[1]) * UNITS[match[2]!]! : NaN;
}
