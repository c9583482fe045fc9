import type { Clock } from '../../lib/primitives/clock.js';

/** A clock that stands still until it is moved. */
export class ManualClock implements Clock {
  #now = 1_000;

  now(): number {
    return this.#now;
  }

  advance(ms: number): void {
    this.#now += ms;
  }
}
