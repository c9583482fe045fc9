/** Milliseconds, see {@link patienceFor}. */
const SHORTEST = 40;
const LONGEST = 250;
/** So many round trips are enough for Redis to do other things first. */
const ROUND_TRIPS = 4;

/**
 * How long a load may be kept waiting by Redis, in milliseconds. A cache that takes longer than its loader is of no use, so
 * this does not depend on how long writes may take.
 * @param roundTrip the best one measured lately; `undefined` if none was
 */
export function patienceFor(roundTrip: number | undefined): number {
  return roundTrip === undefined ? LONGEST : Math.min(Math.max(ROUND_TRIPS * roundTrip, SHORTEST), LONGEST);
}
