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
  /** Somebody is loading it, and what he loads will be usable; perhaps in place of an entry that is there. */
  | { readonly state: 'held'; readonly by: Holder; readonly over: Found | undefined }
  /** To be loaded without: the store cannot be asked, or the key changes faster than it can be claimed. */
  | { readonly state: 'unavailable' };

/** Who is loading a key. */
export interface Holder {
  readonly lease: Buffer;
  /** The shared clock as of which that load began. */
  readonly asOf: number;
}

/** A key to be claimed. */
export interface Wanted {
  readonly fence: Fence;
  /** What is known to be there and is to be replaced, though it can still be read. */
  readonly over: Found | undefined;
}

export interface LeasedFill extends RemoteWrite {
  readonly lease: Lease;
  /** The shared clock as of which the value was loaded. */
  readonly asOf: number;
}

/** How often a key is claimed before it is given up. Each time something else was there. */
const ATTEMPTS = 4;
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
  async claim(wanted: readonly Wanted[]): Promise<Claim[]> {
    const claims: Claim[] = wanted.map(() => UNAVAILABLE);
    const next = [...wanted];
    let open = wanted.map((_, i) => i);
    try {
      for (let attempt = 0; attempt < ATTEMPTS && open.length > 0; attempt++) {
        const tried = await this.#try(open.map((i) => next[i]!));
        open = open.filter((i, at) => {
          const outcome = tried[at]!;
          if ('state' in outcome) claims[i] = outcome;
          else next[i] = outcome;
          return !('state' in outcome);
        });
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
        const { lease, key, entry, life, asOf } = fill;
        this.leases.drop(lease);
        const guard = { epoch, clock: asOf, hashes: hashesOf(key, entry.tags) };
        const value = this.entries.seal(fill, asOf);
        const ttl = life.stale;
        return this.#fill(key, { kind: 'fill', key: lease.key, lease: lease.bytes, value, ttl, guard });
      }),
    );
  }

  /** Gives a lease back that no fill will use. Nobody waits for it: at worst it ends by itself. */
  release(lease: Lease): void {
    this.leases.drop(lease);
    this.#takeAway(lease.key, lease.bytes);
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

  /** One round: for each key what came of it, or how it is to be claimed next, since something else was there. */
  async #try(wanted: readonly Wanted[]): Promise<(Claim | Wanted)[]> {
    const { shared, clock } = this.coherence;
    const asOf = clock.value;
    const leases = wanted.map(({ fence: { key, sharedAsOf } }) =>
      this.leases.draft(this.entries.prefix + key, shared.epoch, sharedAsOf),
    );
    const { results } = await this.store.change(wanted.map(({ over }, i) => this.#claimOf(leases[i]!, over)));
    return results.map((result, i) => {
      const { fence, over } = wanted[i]!;
      if (result === false) return over === undefined ? UNAVAILABLE : { fence, over: undefined };
      if (result !== true) return this.#inspect(fence, result, over, asOf);
      this.leases.hold(leases[i]!);
      return { state: 'granted', lease: leases[i]! };
    });
  }

  #claimOf({ key, bytes: lease }: Lease, over: Found | undefined): Change {
    if (over === undefined) return { kind: 'claim', key, lease, ttl: LEASE_TTL };
    const head = this.entries.headOf(over);
    const now = this.store.now();
    return { kind: 'reclaim', key, head, length: over.length, lease, now, ttl: LEASE_TTL };
  }

  /** What a claim found in its place. */
  #inspect(fence: Fence, bytes: Buffer, over: Found | undefined, asOf: number): Claim | Wanted {
    if (isLease(bytes)) return this.#inspectLease(fence, bytes, over);
    const found = this.entries.open(fence.key, bytes, asOf);
    if (found === 'leased') return this.#inspectLease(fence, this.entries.leaseBehind(bytes), undefined);
    if (typeof found !== 'object') return found === 'spoiled' ? { fence, over: undefined } : UNAVAILABLE;
    return found.fresh > 0 ? { state: 'found', found } : { fence, over: found };
  }

  #inspectLease(fence: Fence, bytes: Buffer, over: Found | undefined): Claim | Wanted {
    const { shared } = this.coherence;
    const { key } = fence;
    const terms = readLease(bytes);
    // Of another version of this library: it will be filled with something this one cannot read.
    if (terms === undefined) return UNAVAILABLE;
    const useful =
      terms.epoch === shared.epoch && shared.covers(key, undefined, terms.asOf) && !this.leases.isOwn(terms);
    if (useful) return { state: 'held', by: { lease: bytes, asOf: terms.asOf }, over };
    this.#takeAway(this.entries.prefix + key, bytes);
    return { fence, over };
  }

  #takeAway(key: string, lease: Buffer): void {
    void this.store.change([{ kind: 'release', key, lease }]).catch(() => {});
  }
}
