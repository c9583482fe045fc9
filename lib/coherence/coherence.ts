import { ownKey } from '../primitives/key.js';
import { Fences } from './fences.js';
import type { Invalidation } from './invalidation.js';
import { InvalidationClock } from './invalidation-clock.js';

/** What this process knows of invalidations: the clock, and the fences around work in progress. */
export class Coherence {
  readonly clock = new InvalidationClock();
  readonly fences = new Fences(this.clock);

  /**
   * Makes what was loaded before this moment unusable here. Applying is all it does: it tells nobody else, and does not
   * care who originated the invalidation.
   */
  apply(invalidation: Invalidation): void {
    switch (invalidation.kind) {
      case 'keys':
        this.clock.tick();
        for (const key of invalidation.keys) this.fences.break(key);
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
        break;
    }
  }
}

export function matchesPattern(pattern: Extract<Invalidation, { kind: 'pattern' }>, key: string): boolean {
  const own = ownKey(pattern.view, key);
  return own !== undefined && pattern.glob.matches(own);
}
