import type { Coherence } from '../coherence/coherence.js';
import type { Fence } from '../coherence/fences.js';
import type { ClockReading } from '../coherence/feed.js';
import { type Invalidation, invalidationOf } from '../coherence/invalidation.js';
import type { Recorder } from '../observability/recorder.js';
import type { Clock } from '../primitives/clock.js';
import { CacheStoreError } from '../primitives/errors.js';
import type { Entry } from './entry.js';
import { type Fill, Filler } from './filler.js';
import type { Invalidator } from './invalidator.js';
import type { Claim, Wanted } from './lease-desk.js';
import type { Lease } from './leases.js';
import { type RefreshAhead, refreshAfter } from './lifetime.js';
import type { MemoryTier } from './memory-tier.js';
import type { Found, RemoteWrite } from './remote-entries.js';
import type { RemoteTier } from './remote-tier.js';
import type { Reading, Values } from './values.js';

/** Times of one entry that went by way of Redis differ by less than that, in milliseconds. */
const SAME_MOMENT = 5;

/** Whether one entry was loaded after another, and is not the same one. */
export function isNewer(one: Entry, other: Entry): boolean {
  return one.bornAt > other.bornAt + SAME_MOMENT;
}

/** Which tiers a call may use, and how it reads what they hold. */
export interface TierChoice extends Reading {
  readonly memory: boolean;
  readonly redis: boolean;
  readonly refreshAhead: RefreshAhead | undefined;
}

/** Which tiers a write goes to, and whether its caller wants to hear that Redis could not be told. */
export interface WriteChoice extends TierChoice {
  readonly strict: boolean;
}

/** What a claim has led to: the entry that somebody else has loaded, or the word to load, perhaps with a lease. */
export type ChainClaim =
  { readonly state: 'found'; readonly entry: Entry } | Exclude<Claim, { readonly state: 'found' }>;

/**
 * The tiers in their order: reads go down, what is found is copied up, writes go through to all.
 * It is the only place that stores anything, so it is the only place where fences are asked.
 */
export class TierChain {
  #remote: RemoteTier | undefined;
  readonly #filler: Filler;

  constructor(
    readonly memory: MemoryTier | undefined,
    remote: RemoteTier | undefined,
    private readonly coherence: Coherence,
    private readonly invalidator: Invalidator,
    private readonly values: Values,
    private readonly recorder: Recorder,
    private readonly time: Clock,
  ) {
    this.#remote = remote;
    this.#filler = new Filler(memory, remote, coherence, time, recorder);
  }

  /**
   * The remote tier, if the choice has it and it can be believed: not before its clock is known, nor while it has not been
   * told everything that was invalidated here.
   */
  #remoteFor({ redis }: Pick<TierChoice, 'redis'>): RemoteTier | undefined {
    return redis && this.coherence.shared.ready && !this.invalidator.outbox.pending
      ? this.#remote
      : undefined;
  }

  /** Whether the remote tier has a usable entry. Leaves no trace. */
  async holds(key: string, reading: Reading): Promise<boolean> {
    const found = await this.#remoteFor({ redis: true })?.readOne(key, this.coherence.clock.value);
    return found !== undefined && found.fresh > 0 && this.#accept(found.entry, key, reading);
  }

  /** Whether a miss in memory has to ask the remote tier before it loads. */
  asksRemote({ redis }: TierChoice): boolean {
    return redis && this.#remote !== undefined;
  }

  /** Drops what memory holds and ends the remote tier's connections. */
  async close(): Promise<void> {
    const remote = this.#remote;
    this.#remote = undefined;
    this.memory?.close();
    await remote?.close();
  }

  /** Whether what is found in the remote tier is copied into memory. Only then does a read of it need a fence. */
  copiesUp(choice: TierChoice): boolean {
    return this.memory !== undefined && choice.memory;
  }

  /**
   * Asks the remote tier and copies what it has into memory. Counts nothing: whether it is a hit is up to the caller.
   * @param fences one for each key, opened before this call; the caller closes them. Without them nothing is copied
   * @returns what is there, be it expired
   */
  async fetch(
    keys: readonly string[],
    fences: readonly Fence[] | undefined,
    choice: TierChoice,
  ): Promise<(Found | undefined)[]> {
    const remote = this.#remoteFor(choice);
    const found = remote ? await remote.read(keys, this.coherence.clock.value) : keys.map(() => undefined);
    return found.map((one, i) => this.#take(one, keys[i]!, fences?.[i], choice));
  }

  /** As {@link fetch}, for one key. */
  async fetchOne(key: string, fence: Fence | undefined, choice: TierChoice): Promise<Found | undefined> {
    const found = await this.#remoteFor(choice)?.readOne(key, this.coherence.clock.value);
    return this.#take(found, key, fence, choice);
  }

  #take(
    found: Found | undefined,
    key: string,
    fence: Fence | undefined,
    choice: TierChoice,
  ): Found | undefined {
    if (found === undefined || !this.#accept(found.entry, key, choice)) return undefined;
    if (choice.refreshAhead !== undefined) {
      const { fresh, life, loadTime } = found;
      found.entry.refreshAfter(refreshAfter(choice.refreshAhead, fresh, life, loadTime), this.time.now());
    }
    if (fence !== undefined && this.copiesUp(choice)) this.#copyUp(found, fence);
    return found;
  }

  #copyUp({ entry }: Found, fence: Fence): void {
    if (!this.coherence.fences.admits(fence, entry.tags)) return;
    // What is in memory may have been put there after this was asked for. A copy of the same may be about to be dropped there.
    const held = this.memory?.reserve(fence.key);
    const older = held !== undefined && isNewer(held, entry);
    if (held === undefined || isNewer(entry, held) || (!older && held.expiresAt < entry.expiresAt)) {
      this.memory?.put(fence.key, entry);
    }
  }

  #accept(entry: Entry, key: string, reading: Reading): boolean {
    try {
      this.values.accept(entry, reading);
      return true;
    } catch (error) {
      this.recorder.corrupt(key, error);
      this.#remote?.drop(key);
      return false;
    }
  }

  /** Asks for the right to load keys for the remote tier. @param wanted their fences were opened before anything was asked */
  async claim(wanted: readonly Wanted[], choice: TierChoice): Promise<ChainClaim[]> {
    const remote = this.#remoteFor(choice);
    if (remote === undefined) return wanted.map(() => ({ state: 'unavailable' }));
    const claims = await remote.leases.claim(wanted);
    return claims.map((claim, i) => {
      if (claim.state !== 'found') return claim;
      const { fence } = wanted[i]!;
      const found = this.#take(claim.found, fence.key, fence, choice);
      return found === undefined ? { state: 'unavailable' } : { state: 'found', entry: found.entry };
    });
  }

  /** Removes an entry that its origin has taken back, if it is still there. @param found how it is stored in the remote tier */
  forget(key: string, entry: Entry, found: Found | undefined): void {
    const held = this.memory?.reserve(key);
    if (held !== undefined && !isNewer(held, entry)) this.memory?.delete(key);
    if (found !== undefined) this.#remote?.discard(key, found);
  }

  /** Gives back the lease of a load that has nothing to store. */
  release(lease: Lease): void {
    this.#remote?.leases.release(lease);
  }

  /** Stores the results of loads in all chosen tiers, see {@link Filler}. */
  store(fills: readonly Fill[], choice: TierChoice): Promise<void> {
    return this.#filler.store(fills, choice.memory, this.#remoteFor(choice));
  }

  /**
   * Stores entries in all chosen tiers in place of what is under these keys, and announces that. A tier that is left out
   * would bring the older value back later, so it is removed there.
   * @param writes nothing, or one for each key
   * @throws CacheStoreError when the remote tier could not be told, if that was asked for
   */
  async write(keys: readonly string[], writes: readonly RemoteWrite[], choice: WriteChoice): Promise<void> {
    const replaced = invalidationOf({ keys });
    const remote = this.#remote;
    const tell =
      remote === undefined ? undefined : () => this.#writeTo(remote, choice.redis ? writes : [], replaced);
    // It takes the encoded bytes in this very turn, before any reader can have them replaced.
    const told = this.invalidator.replace(replaced, tell, choice.strict);
    if (choice.memory) for (const { key, entry, life } of writes) this.memory?.keep(key, entry, life);
    await told;
  }

  async #writeTo(
    remote: RemoteTier,
    writes: readonly RemoteWrite[],
    replaced: Invalidation,
  ): Promise<ClockReading> {
    if (writes.length === 0) return (await remote.invalidate(replaced)).reading;
    if (this.coherence.shared.ready) return remote.write(writes);
    throw new CacheStoreError('the clock of the cache in Redis is not known yet');
  }
}
