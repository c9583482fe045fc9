import type { Coherence } from '../coherence/coherence.js';
import type { Fence } from '../coherence/fences.js';
import { hashesOf } from '../coherence/slots.js';
import type { Recorder } from '../observability/recorder.js';
import { isLease } from '../stores/lease.js';
import type { Change, RemoteStore } from '../stores/store.js';
import { type Lease, LEASE_TTL, type Leases, readLease } from './leases.js';
import type { Found, RemoteEntries, RemoteWrite } from './remote-entries.js';

/** What became of an attempt to get a lease. */
export type Claim =
  | { readonly state: 'granted'; readonly lease: Lease }
  /** Somebody has filled the key meanwhile. */
  | { readonly state: 'found'; readonly found: Found }
  /** Somebody is loading it, and what he loads will be usable. */
  | { readonly state: 'held'; readonly by: Holder }
  /** To be loaded without: the store cannot be asked, or the key changes faster than it can be claimed. */
  | { readonly state: 'unavailable' };

/** Who is loading a key. */
export interface Holder {
  readonly lease: Buffer;
  /** The shared clock as of which that load began. */
  readonly asOf: number;
}

export interface LeasedFill extends RemoteWrite {
  readonly lease: Lease;
  /** The shared clock as of which the value was loaded. */
  readonly asOf: number;
}

/** How often a key is claimed before it is given up. Each time what was in the way is removed. */
const ATTEMPTS = 3;
const UNAVAILABLE: Claim = { state: 'unavailable' };

/** Where leases are got, used and given back. */
export class LeaseDesk {
  constructor(
    private readonly store: RemoteStore,
    private readonly entries: RemoteEntries,
    private readonly leases: Leases,
    private readonly coherence: Coherence,
    private readonly recorder: Recorder,
  ) {}

  /**
   * Tries to get the right to fill each of these keys. Leases whose loads are of no use to whoever asks now are taken away:
   * those of this process, which would have been joined, and those that began before a prefix of the key was invalidated. If
   * it was a tag of the value, the fill is refused, and whoever waits loads. Never rejects.
   */
  async claim(fences: readonly Fence[]): Promise<Claim[]> {
    const claims: Claim[] = fences.map(() => UNAVAILABLE);
    let open = fences.map((_, i) => i);
    try {
      for (let attempt = 0; attempt < ATTEMPTS && open.length > 0; attempt++) {
        const tried = await this.#try(open.map((i) => fences[i]!));
        open.forEach((i, at) => (claims[i] = tried[at] ?? UNAVAILABLE));
        open = open.filter((_, at) => tried[at] === undefined);
      }
    } catch (error) {
      this.recorder.redisFailed(error);
    }
    return claims;
  }

  /**
   * Stores what was loaded under leases, and gives them back. Never rejects.
   * @returns for each whether it is stored; `undefined` when that is not known
   */
  async fill(fills: readonly LeasedFill[]): Promise<readonly (boolean | undefined)[]> {
    const { epoch } = this.coherence.shared;
    return Promise.all(
      fills.map((fill) => {
        const { lease, key, entry, ttl, asOf } = fill;
        this.leases.drop(lease);
        const guard = { epoch, clock: asOf, hashes: hashesOf(key, entry.tags) };
        const value = this.entries.seal(fill, asOf);
        return this.#fill(key, { kind: 'fill', key: lease.key, lease: lease.bytes, value, ttl, guard });
      }),
    );
  }

  /** Gives a lease back that no fill will use. */
  release(lease: Lease): void {
    this.leases.drop(lease);
    this.entries.discard(lease.key, lease.bytes);
  }

  async #fill(key: string, change: Change): Promise<boolean | undefined> {
    try {
      const { results } = await this.store.change([change]);
      if (results[0] === true) this.recorder.written('redis', key);
      return results[0] === true;
    } catch (error) {
      this.recorder.redisFailed(error);
      return undefined;
    }
  }

  /** One round; `undefined` where something was in the way and is being removed. */
  async #try(fences: readonly Fence[]): Promise<(Claim | undefined)[]> {
    const { shared, clock } = this.coherence;
    const asOf = clock.value;
    const leases = fences.map(({ key, sharedAsOf }) =>
      this.leases.draft(this.entries.prefix + key, shared.epoch, sharedAsOf),
    );
    const { results } = await this.store.change(
      leases.map(({ key, bytes }) => ({ kind: 'claim', key, lease: bytes, ttl: LEASE_TTL }) as const),
    );
    return results.map((result, i) => {
      if (result === false) return UNAVAILABLE;
      if (result !== true) return this.#inspect(fences[i]!.key, result, asOf);
      this.leases.hold(leases[i]!);
      return { state: 'granted', lease: leases[i]! };
    });
  }

  /** What a claim found in its place. */
  #inspect(key: string, bytes: Buffer, asOf: number): Claim | undefined {
    if (isLease(bytes)) return this.#inspectLease(key, bytes);
    const found = this.entries.open(key, bytes, asOf);
    if (typeof found === 'object') return { state: 'found', found };
    return found === 'spoiled' ? undefined : UNAVAILABLE;
  }

  #inspectLease(key: string, bytes: Buffer): Claim | undefined {
    const { shared } = this.coherence;
    const terms = readLease(bytes);
    // Of another version of this library: it will be filled with something this one cannot read.
    if (terms === undefined) return UNAVAILABLE;
    const useful =
      terms.epoch === shared.epoch && shared.covers(key, undefined, terms.asOf) && !this.leases.isOwn(terms);
    if (useful) return { state: 'held', by: { lease: bytes, asOf: terms.asOf } };
    this.entries.discard(this.entries.prefix + key, bytes);
    return undefined;
  }
}
