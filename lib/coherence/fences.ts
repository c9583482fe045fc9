import type { InvalidationClock } from './invalidation-clock.js';
import type { SharedClock } from './shared-clock.js';

/**
 * Stands for work on one key that will end in a value being stored: a load, a read of a slower tier. It remembers when
 * the work began; whoever wants to store the result asks {@link Fences.admits} first.
 *
 * What it prevents: the load reads the old row, the row is changed and the key deleted, the load stores the old row.
 */
export interface Fence {
  readonly key: string;
  /** The invalidation clock when the work began. */
  readonly asOf: number;
  /** What was known of the shared clock when the work began. */
  readonly sharedAsOf: number;
  /** Set by an invalidation of this very key. */
  readonly broken: boolean;
}

interface OpenFence extends Fence {
  asOf: number;
  sharedAsOf: number;
  broken: boolean;
  /** The fences of the key that were opened before and after this one and are still open. */
  older: OpenFence | undefined;
  newer: OpenFence | undefined;
}

/**
 * All work in progress, by key, so that an invalidation finds what it touches.
 *
 * The fences of a key are a list, linked both ways, from the newest to the oldest. There is rarely more than one; when Redis
 * is slow there may be as many as callers, and whoever opened first closes first. So opening puts at the beginning, and closing
 * takes out wherever it is, without looking for it.
 *
 * Breaking a key breaks all that are open, so whatever is older than a broken fence is broken too: breaking can stop there.
 */
export class Fences {
  /** The newest fence of each key. */
  readonly #open = new Map<string, OpenFence>();

  constructor(
    private readonly clock: InvalidationClock,
    private readonly shared: SharedClock,
  ) {}

  /** Call before the work begins; every fence must be given to {@link close} again. */
  open(key: string): Fence {
    const older = this.#open.get(key);
    const fence: OpenFence = {
      key,
      asOf: this.clock.value,
      sharedAsOf: this.shared.known,
      broken: false,
      older,
      newer: undefined,
    };
    if (older !== undefined) older.newer = fence;
    this.#open.set(key, fence);
    return fence;
  }

  /** The work begins only now: what was invalidated until now does not concern it. Not for fences that are broken. */
  restart(fence: Fence): void {
    const open = fence as OpenFence;
    open.asOf = this.clock.value;
    open.sharedAsOf = this.shared.known;
  }

  /** Closing once more is of no consequence. */
  close(fence: Fence): void {
    const open = fence as OpenFence;
    const { key, older, newer } = open;
    if (newer !== undefined) {
      newer.older = older;
    } else {
      if (this.#open.get(key) !== open) return;
      if (older === undefined) {
        this.#open.delete(key);
        return;
      }
      this.#open.set(key, older);
    }
    if (older !== undefined) older.newer = newer;
    // Closed, it leads nowhere: neither back into the list, nor does it keep others in memory.
    open.older = undefined;
    open.newer = undefined;
  }

  break(key: string): void {
    let fence = this.#open.get(key);
    while (fence !== undefined && !fence.broken) {
      fence.broken = true;
      fence = fence.older;
    }
  }

  breakMatching(matches: (key: string) => boolean): void {
    for (const key of this.#open.keys()) if (matches(key)) this.break(key);
  }

  /** Whether nothing that concerns this key or these tags was invalidated since the work began. */
  admits(fence: Fence, tags: readonly string[] | undefined): boolean {
    if (fence.broken) return false;
    return (
      fence.asOf >= this.clock.slotsMovedAt ||
      this.clock.covers(this.clock.slotsOf(fence.key, tags), fence.asOf)
    );
  }

  /** Whether no tag at all was invalidated since the work began: for work that has ended without saying what its tags are. */
  admitsAnyTags(fence: Fence): boolean {
    return this.clock.tagsMovedAt <= fence.asOf && this.admits(fence, undefined);
  }
}
