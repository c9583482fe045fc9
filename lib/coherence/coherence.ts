import { Fences } from './fences.js';
import { type Invalidation, matchesPattern } from './invalidation.js';
import { InvalidationClock } from './invalidation-clock.js';
import { Watch } from './watches.js';

/** What this process knows of invalidations: the clock, and the fences around work in progress. */
export class Coherence {
  readonly clock = new InvalidationClock();
  readonly fences = new Fences(this.clock);
  readonly #watches = new Set<Watch>();

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
    switch (invalidation.kind) {
      case 'keys':
        this.clock.tick();
        for (const key of invalidation.keys) this.fences.break(key);
        for (const watch of this.#watches) watch.noteKeys(invalidation.keys);
        break;
      case 'tags':
        this.clock.invalidateTags(invalidation.tags);
        break;
      case 'prefix':
        this.clock.invalidatePrefix(invalidation.prefix);
        break;
      case 'pattern':
        this.clock.tick();
        this.fences.breakMatching((key) => matchesPattern(invalidation, key));
        for (const watch of this.#watches) watch.notePattern(invalidation);
        break;
    }
  }
}
