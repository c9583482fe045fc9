import type { CacheOutcome } from './outcome.js';

/** What a circuit breaker does with calls: makes them, does not, or is trying out whether it could. */
export type BreakerState = 'closed' | 'open' | 'half-open';

/** What a breaker guards: everything, or what Redis would have to keep. */
export type BreakerPart = 'redis' | 'writes';

/** How the breakers stand. */
export interface BreakerStats {
  /**
   * Whether Redis is used. `open`: so many calls failed that it is not asked; reads go on from memory and loaders, what is
   * invalidated is queued. `half-open`: as `open`, while a probe is under way.
   */
  readonly breaker: BreakerState;
  /** How often that opened. */
  readonly breakerOpened: number;
  /** Whether Redis is given values to keep. `open`: it refused to, its memory being full, say. It is read all the same. */
  readonly writeBreaker: BreakerState;
  /** How often that opened. */
  readonly writeBreakerOpened: number;
}

type Publish = (outcome: Omit<CacheOutcome, 'cache'>) => void;

const OUTCOMES = {
  open: 'breaker-opened',
  'half-open': 'breaker-half-open',
  closed: 'breaker-closed',
} as const;

/** Takes what the circuit breakers do. */
export class BreakerRecorder {
  readonly #states: Record<BreakerPart, BreakerState> = { redis: 'closed', writes: 'closed' };
  readonly #opened: Record<BreakerPart, number> = { redis: 0, writes: 0 };

  constructor(private readonly publish: Publish) {}

  /** @param reason the trouble it opened for; `undefined` for the other states, and when a probe has failed */
  changed(part: BreakerPart, state: BreakerState, reason: string | undefined): void {
    this.#states[part] = state;
    if (state === 'open' && reason === undefined) return;
    if (state === 'open') this.#opened[part]++;
    this.publish({ outcome: OUTCOMES[state], what: [part], reason });
  }

  snapshot(): BreakerStats {
    return {
      breaker: this.#states.redis,
      breakerOpened: this.#opened.redis,
      writeBreaker: this.#states.writes,
      writeBreakerOpened: this.#opened.writes,
    };
  }
}
