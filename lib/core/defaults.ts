/** Every default of the library that an option can change. */
export const DEFAULTS = {
  /** The name and namespace of the unnamed cache. */
  name: 'default',
  namespace: 'cache',
  /** Milliseconds an entry lives when neither the call, nor `defaults`, nor a tier says. */
  ttl: 3_600_000,
  /** Entries held in memory. */
  maxSize: 1000,
} as const;
