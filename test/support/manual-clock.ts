import type { Clock } from '../../lib/primitives/clock.js';
import { breathe } from './deferred.js';

interface Waiter {
  readonly at: number;
  readonly wake: () => void;
}

/** A clock that stands still until it is moved. */
export class ManualClock implements Clock {
  #now = 1_000;
  /** In the order in which they are to wake. */
  readonly #waiters: Waiter[] = [];

  now(): number {
    return this.#now;
  }

  wait(ms: number): Promise<void> {
    return new Promise((wake) => void this.after(ms, wake));
  }

  after(ms: number, wake: () => void): () => void {
    const waiter = { at: this.#now + ms, wake };
    const place = this.#waiters.findIndex((other) => other.at > waiter.at);
    this.#waiters.splice(place === -1 ? this.#waiters.length : place, 0, waiter);
    return () => {
      const at = this.#waiters.indexOf(waiter);
      if (at >= 0) this.#waiters.splice(at, 1);
    };
  }

  /** Jumps: as when the process was asleep for so long, everybody who waited finds out at the end. */
  advance(ms: number): void {
    this.#now += ms;
    while ((this.#waiters[0]?.at ?? Infinity) <= this.#now) this.#waiters.shift()!.wake();
  }

  /** Lets so many milliseconds go by: whoever waits wakes in time, and what he does then is done before time goes on. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await breathe();
      const next = this.#waiters[0]?.at ?? Infinity;
      if (next > end) break;
      this.advance(Math.max(0, next - this.#now));
    }
    this.advance(end - this.#now);
    await breathe();
  }
}
