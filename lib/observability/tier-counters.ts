import type { TierStats } from './stats.js';

/** Counts what happens in one tier. */
export class TierCounters {
  hits = 0;
  misses = 0;
  staleHits = 0;
  writes = 0;

  snapshot(): TierStats {
    const { hits, misses, staleHits, writes } = this;
    return { hits, misses, staleHits, writes };
  }
}
