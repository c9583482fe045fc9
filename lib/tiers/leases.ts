import { randomBytes } from 'node:crypto';

import { LEASE_MARK } from '../stores/lease.js';
import type { RemoteStore } from '../stores/store.js';
import type { Clock } from '../primitives/clock.js';

/** How long a lease lives by itself, in milliseconds: what a holder that dies costs others at most. */
export const LEASE_TTL = 3_000;
/** How often leases of loads that are still running are renewed. Two renewals may fail. */
const RENEW_EVERY = 1_000;

/** How long a lease is renewed: who waits for a load that never ends must not wait for ever, nor everybody who comes later. */
const LONGEST_HELD = 60_000;

/** The right to fill a key in the remote tier, until anything else happens to it. Its load began as of `asOf`. */
export interface Lease {
  /** The full key. */
  readonly key: string;
  readonly bytes: Buffer;
}

/** What others can read from a lease. */
export interface LeaseTerms {
  /** Hexadecimal. */
  readonly instance: string;
  readonly epoch: string;
  /** The invalidation clock as of which the load began. */
  readonly asOf: number;
}

const INSTANCE = LEASE_MARK.length;
const SERIAL = INSTANCE + 8;
const EPOCH = SERIAL + 4;
const AS_OF = EPOCH + 8;
const LENGTH = AS_OF + 8;

/**
 * The leases this process holds. Their loads may take longer than a lease lives, so they are renewed: a holder that is
 * alive keeps them, one that has died loses them.
 */
export class Leases {
  readonly #instance: Buffer;
  /** Since when each is held, by the process' clock. */
  readonly #held = new Map<Lease, number>();
  #serial = 0;
  #renewing = false;

  constructor(
    private readonly store: RemoteStore,
    private readonly time: Clock,
    instance: string,
  ) {
    this.#instance = Buffer.from(instance, 'hex');
  }

  /** A lease that was never claimed before. */
  draft(key: string, epoch: string, asOf: number): Lease {
    const bytes = Buffer.alloc(LENGTH);
    bytes.write(LEASE_MARK, 'latin1');
    this.#instance.copy(bytes, INSTANCE);
    bytes.writeUInt32LE(this.#serial++ % 2 ** 32, SERIAL);
    bytes.write(epoch, EPOCH, 'hex');
    bytes.writeDoubleLE(asOf, AS_OF);
    return { key, bytes };
  }

  /** To be called when a lease was granted; it is renewed until {@link drop}. */
  hold(lease: Lease): void {
    this.#held.set(lease, this.time.now());
    if (this.#renewing) return;
    this.#renewing = true;
    void this.#renew();
  }

  drop(lease: Lease): void {
    this.#held.delete(lease);
  }

  /** Whether this instance has claimed it. */
  isOwn({ instance }: LeaseTerms): boolean {
    return instance === this.#instance.toString('hex');
  }

  async #renew(): Promise<void> {
    for (;;) {
      await this.time.wait(RENEW_EVERY);
      const oldest = this.time.now() - LONGEST_HELD;
      for (const [lease, since] of this.#held) if (since < oldest) this.#held.delete(lease);
      if (this.#held.size === 0) break;
      const until = this.store.now() + LEASE_TTL;
      const changes = Array.from(
        this.#held.keys(),
        ({ key, bytes }) => ({ kind: 'renew', key, lease: bytes, ttl: LEASE_TTL, until }) as const,
      );
      // A lease that is lost is found out by the fill.
      await this.store.change(changes).catch(() => {});
    }
    this.#renewing = false;
  }
}

/** An id for this instance, hexadecimal. */
export function newInstance(): string {
  return randomBytes(8).toString('hex');
}

/** @returns `undefined` when these are not the bytes of a lease */
export function readLease(bytes: Buffer): LeaseTerms | undefined {
  if (bytes.length !== LENGTH) return undefined;
  const instance = bytes.toString('hex', INSTANCE, SERIAL);
  return { instance, epoch: bytes.toString('hex', EPOCH, AS_OF), asOf: bytes.readDoubleLE(AS_OF) };
}
