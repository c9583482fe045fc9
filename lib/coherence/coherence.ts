import { Fences } from './fences.js';
import { type Invalidation, matchesPattern } from './invalidation.js';
import { InvalidationClock } from './invalidation-clock.js';
import { SharedClock } from './shared-clock.js';
import type { Trust } from './trust.js';
import { Watch } from './watches.js';

/** What this process knows of invalidations, and the fences around work in progress. */
export class Coherence {
  readonly clock: InvalidationClock;
  readonly shared = new SharedClock();
  readonly fences: Fences;
  readonly #watches = new Set<Watch>();

  /**
   * @param slots how many slots the clock of this process has
   * @param trust how far what others invalidate is known here
   */
  constructor(
    slots: number,
    readonly trust: Trust,
  ) {
    this.clock = new InvalidationClock(slots);
    this.fences = new Fences(this.clock, this.shared);
  }

  /** Begins to note what is invalidated, until {@link unwatch}. */
  watch(): Watch {
    const watch = new Watch(this.clock);
    this.#watches.add(watch);
    return watch;
  }

  unwatch(watch: Watch): void {
    this.#watches.delete(watch);
  }

  /**
   * Makes what was loaded before this moment unusable here. Applying is all it does: it tells nobody else, and does not
   * care who originated the invalidation.
   */
  apply(invalidation: Invalidation): void {
    const { keys, patterns } = invalidation;
    this.clock.tick(invalidation);
    for (const key of keys) this.fences.break(key);
    for (const pattern of patterns) this.fences.breakMatching((key) => matchesPattern(pattern, key));
    for (const watch of this.#watches) watch.note(keys, patterns);
  }
}
