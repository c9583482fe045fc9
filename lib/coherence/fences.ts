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
  /** The other fences of the key. */
  next: OpenFence | undefined;
}

/** All work in progress, by key, so that an invalidation finds what it touches. */
export class Fences {
  /** The last fence opened for each key; it leads to the others. There is rarely more than one. */
  readonly #open = new Map<string, OpenFence>();

  constructor(
    private readonly clock: InvalidationClock,
    private readonly shared: SharedClock,
  ) {}

  /** Call before the work begins; every fence must be given to {@link close} again. */
  open(key: string): Fence {
    const fence: OpenFence = {
      key,
      asOf: this.clock.value,
      sharedAsOf: this.shared.known,
      broken: false,
      next: this.#open.get(key),
    };
    this.#open.set(key, fence);
    return fence;
  }

  /** The work begins only now: what was invalidated until now does not concern it. Not for fences that are broken. */
  restart(fence: Fence): void {
    const open = fence as OpenFence;
    open.asOf = this.clock.value;
    open.sharedAsOf = this.shared.known;
  }

  close(fence: Fence): void {
    const first = this.#open.get(fence.key);
    if (first === fence) {
      if (first.next === undefined) this.#open.delete(fence.key);
      else this.#open.set(fence.key, first.next);
      return;
    }
    for (let before = first; before !== undefined; before = before.next) {
      if (before.next === fence) before.next = before.next.next;
    }
  }

  break(key: string): void {
    for (let fence = this.#open.get(key); fence !== undefined; fence = fence.next) fence.broken = true;
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
