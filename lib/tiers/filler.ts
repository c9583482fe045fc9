import type { Coherence } from '../coherence/coherence.js';
import type { Fence } from '../coherence/fences.js';
import type { Recorder } from '../observability/recorder.js';
import { type Clock, outlasts } from '../primitives/clock.js';
import type { Entry } from './entry.js';
import type { Lease } from './leases.js';
import type { Lifetime } from './lifetime.js';
import type { MemoryTier } from './memory-tier.js';
import type { RemoteTier } from './remote-tier.js';

/** An entry about to be stored by whoever holds its fence. */
export interface Fill {
  readonly entry: Entry;
  readonly fence: Fence;
  /** `fresh` is more than 0. */
  readonly life: Lifetime;
  /** Milliseconds that loading it took. */
  readonly loadTime: number;
  /** The right to store it in the remote tier; without one it is kept out of there. */
  readonly lease: Lease | undefined;
}

/** How long whoever has loaded a value waits for Redis to take it, in milliseconds. */
export const FILL_PATIENCE = 40;

/**
 * Stores the results of loads, except those that an invalidation has overtaken. A store that fails costs later loads, nothing
 * else: the caller has its value. He does not wait long for Redis either: what it says later still decides whether memory keeps
 * the value, unless something newer is there by then.
 */
export class Filler {
  constructor(
    private readonly memory: MemoryTier | undefined,
    private readonly remote: RemoteTier | undefined,
    private readonly coherence: Coherence,
    private readonly time: Clock,
    private readonly recorder: Recorder,
  ) {}

  /**
   * @param inMemory whether memory is to have them
   * @param remote `undefined` if the remote tier is not to have them, or cannot be believed now
   */
  async store(fills: readonly Fill[], inMemory: boolean, remote: RemoteTier | undefined): Promise<void> {
    const memory = inMemory ? this.memory : undefined;
    const admitted = fills.filter((fill) => this.#admits(fill));
    const leased = admitted.filter(({ lease }) => lease !== undefined);
    if (leased.length === 0 || remote === undefined) {
      for (const { lease } of leased) this.remote?.leases.release(lease!);
      for (const { fence, entry, life } of admitted) memory?.keep(fence.key, entry, life);
      return;
    }
    // Those of the loads are closed as soon as their callers have the values.
    const fences = admitted.map(({ fence }) => this.coherence.fences.open(fence.key));
    let late = false;
    const finish = async (): Promise<void> => {
      const refused = await this.#storeRemotely(leased, remote);
      admitted.forEach((fill, i) => {
        if (memory !== undefined && !refused.has(fill)) this.#keep(memory, fill, fences[i]!, late);
        this.coherence.fences.close(fences[i]!);
      });
    };
    late = await outlasts(finish(), FILL_PATIENCE, this.time);
  }

  #admits({ fence, entry, lease }: Fill): boolean {
    if (this.coherence.fences.admits(fence, entry.tags)) return true;
    this.recorder.fillRefused(fence.key);
    if (lease !== undefined) this.remote?.leases.release(lease);
    return false;
  }

  /** @param fence opened when the value was admitted: Redis took its time to answer */
  #keep(memory: MemoryTier, fill: Fill, fence: Fence, late: boolean): void {
    const { entry } = fill;
    if (!this.coherence.fences.admits(fence, entry.tags)) return;
    const newer = late ? memory.reserve(fence.key) : undefined;
    if (newer === undefined || newer.bornAt < entry.bornAt) memory.keep(fence.key, entry, fill.life);
  }

  /** Never rejects. @returns the fills that the remote tier refused */
  async #storeRemotely(leased: readonly Fill[], remote: RemoteTier): Promise<ReadonlySet<Fill>> {
    const stored = await remote.leases.fill(
      leased.map(({ fence, entry, life, loadTime, lease }) => ({
        key: fence.key,
        entry,
        life,
        loadTime,
        lease: lease!,
        asOf: fence.sharedAsOf,
      })),
    );
    const refused = new Set(leased.filter((_, i) => stored[i] === false));
    for (const { fence } of refused) this.recorder.fillRefused(fence.key);
    return refused;
  }
}
