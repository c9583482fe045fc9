/** How every lease begins, so that none is taken for a value: what tiers store must not begin so. */
export const LEASE_MARK = 'tl1';

export function isLease(bytes: Buffer): boolean {
  return bytes.length >= LEASE_MARK.length && bytes.toString('latin1', 0, LEASE_MARK.length) === LEASE_MARK;
}

/**
 * A value that somebody is loading anew has the lease behind it, and then a float64, little endian: until when the lease
 * counts, in milliseconds since 1970 by the store's clock.
 */
export const LEASE_END_BYTES = 8;
