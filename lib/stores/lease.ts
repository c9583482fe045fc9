/** How every lease begins, so that none is taken for a value: what tiers store must not begin so. */
export const LEASE_MARK = 'tl1';

export function isLease(bytes: Buffer): boolean {
  return bytes.length >= LEASE_MARK.length && bytes.toString('latin1', 0, LEASE_MARK.length) === LEASE_MARK;
}
