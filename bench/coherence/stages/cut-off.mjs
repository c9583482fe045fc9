/**
 * What keeps a process from reaching Redis, or from hearing its answers in time: the delays here are longer than what loads of
 * this library wait for. Keys that vanish do not.
 */
const CUTTING = new Set([
  'delay',
  'cut',
  'blackHoleShort',
  'blackHoleLong',
  'halfOpenShort',
  'halfOpenLong',
  'refuse',
  'restart',
  'pauseShort',
  'pauseLong',
  'failover',
]);

/** How long after such a fault a client may still be making its connections anew, in milliseconds. */
const RECONNECTING = 3_000;

/**
 * Whether a process was cut off from Redis at some time between `from` and `to`, going by what was done to it.
 * @param stage with its log; the times in it count from the stage's beginning
 */
export function wasCutOff({ log, begun }, place, from, to) {
  return log.some(
    ({ kind, places, begin, end = Infinity }) =>
      CUTTING.has(kind) &&
      (places.length === 0 || places.includes(place)) &&
      begun + begin <= to &&
      begun + end + RECONNECTING >= from,
  );
}
