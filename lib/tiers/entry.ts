import type { Lifetime } from './lifetime.js';

/**
 * A cached value as it is held in memory and handed from tier to tier: encoded, or decoded and shared among readers.
 * One class with a fixed shape, since every memory hit reads it.
 */
export class Entry {
  /**
   * The encoded value; `undefined` once readers share `value` instead. What is kept in memory is a string with a character for
   * each byte: unlike a small Buffer it is no window into a pool or a network read that it would keep alive, and costs the
   * garbage collector no more than any string.
   */
  bytes: Uint8Array | string | undefined;
  /**
   * Without `bytes`: the decoded value that readers share. Beside `bytes`: a decoded copy for the next reader alone, or
   * `undefined`.
   */
  value: unknown = undefined;
  /** What readers with `isolation: 'share'` share among themselves; `undefined` until the first of them comes. */
  loose: unknown = undefined;
  /** Set once the value is known to hold something that freezing does not protect: each reader decodes its own. */
  decodePerReader = false;
  /** Encoded size in bytes. */
  readonly size: number;
  // Times by the process' clock, as small whole numbers: those take no memory of their own.
  /** When the entry expires. */
  expiresAt = 0;
  /** When its life ends: a copy in memory may have to go before, though Redis has it still. */
  endsAt = 0;
  /** When it is gone; until then it may be served, expired, to those who take that. */
  staleUntil = 0;
  /** When reads begin to have it refreshed; 0 for never. */
  refreshAt = 0;
  /**
   * The invalidation clock as of which the entry is known to be valid. Raised each time it is found valid, so that a
   * check is one comparison until the next tag or prefix is invalidated.
   */
  asOf: number;
  /**
   * When loading it began, by the process' clock: what it holds cannot be older than that, whatever this process has not
   * heard of.
   */
  readonly bornAt: number;
  readonly tags: readonly string[] | undefined;
  /** The clock's slots for key and tags, worked out when they are first needed. */
  slots: readonly number[] | undefined = undefined;

  constructor(bytes: Uint8Array, asOf: number, bornAt: number, tags: readonly string[] | undefined) {
    this.bytes = bytes;
    this.size = bytes.byteLength;
    this.asOf = asOf;
    this.bornAt = bornAt;
    this.tags = tags !== undefined && tags.length > 0 ? tags : undefined;
  }

  /** @param now by the process' clock */
  live({ fresh, stale, refresh }: Lifetime, now: number): void {
    this.expiresAt = this.endsAt = Math.ceil(now + fresh);
    this.staleUntil = Math.ceil(now + stale);
    this.refreshAfter(refresh, now);
  }

  /** @param milliseconds `Infinity` for never */
  refreshAfter(milliseconds: number, now: number): void {
    this.refreshAt = milliseconds === Infinity ? 0 : Math.max(1, Math.ceil(now + milliseconds));
  }
}
