/** Every default of the library that an option can change. */
export const DEFAULTS = {
  /** The name and namespace of the unnamed cache. */
  name: 'default',
  namespace: 'cache',
  /** Milliseconds an entry lives when neither the call, nor `defaults`, nor a tier says. */
  ttl: 3_600_000,
  /** Entries held in memory. */
  maxSize: 1000,
  /** The longest an instance that hears nothing of the others serves what they may have invalidated, in milliseconds. */
  maxStaleness: 10_000,
  /** Slots of the invalidation clock. */
  slots: 65_536,
  /** About how many invalidations the stream in Redis keeps. */
  streamLength: 10_000,
} as const;
