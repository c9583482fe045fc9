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
  'rollBack',
]);

/** How long after such a fault a client may still be making its connections anew, in milliseconds. */
const RECONNECTING = 300;

/**
 * Whether a process was cut off from Redis at some time between `from` and `to`, going by what was done to it: for libraries that
 * do not say so themselves.
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

/** How long after it was killed an answer of Redis may still arrive, in milliseconds: connections are slow at times. */
const LAST_ANSWERS = 200;

/**
 * Whether Redis lost what was acknowledged at one moment, and was back without it so shortly before the other that this need not
 * have been noticed. Who had heard of it has `maxStaleness` since he last heard of Redis. The others learn it from him, who may
 * be cut off for up to twice that time himself, and then has to connect.
 * @param byItself whether the process that reads is the one that was acknowledged
 */
export function hadLost({ log, begun }, acknowledged, read, { byItself, maxStaleness }) {
  return log.some(
    ({ lostFrom, killed, end = Infinity }) =>
      killed !== undefined &&
      begun + lostFrom <= acknowledged &&
      acknowledged <= begun + killed + LAST_ANSWERS &&
      begun + killed <= read &&
      read <= begun + (byItself ? killed + maxStaleness : end + 4 * maxStaleness),
  );
}
