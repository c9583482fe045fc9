import type { Clock } from '../primitives/clock.js';

/** Pauses after failed loads, in milliseconds; see `EntryOptions.staleIfError`. */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;
/** The most keys remembered; the one that failed longest ago goes first. */
const MOST_KEYS = 10_000;

interface Failure {
  readonly pause: number;
  readonly until: number;
}

/** Remembers which loads have failed, so that an origin in trouble is left alone as long as there is something to serve. */
export class Backoff {
  readonly #failures = new Map<string, Failure>();

  constructor(private readonly time: Clock) {}

  /** Whether the key should not be loaded now. */
  holds(key: string): boolean {
    const failure = this.#failures.get(key);
    return failure !== undefined && this.time.now() < failure.until;
  }

  failed(key: string): void {
    const last = this.#failures.get(key);
    // One that was long ago says nothing about now.
    const before = last !== undefined && this.time.now() - last.until < last.pause ? last : undefined;
    const pause = before === undefined ? FIRST_PAUSE : Math.min(before.pause * 2, LONGEST_PAUSE);
    this.#failures.delete(key);
    this.#failures.set(key, { pause, until: this.time.now() + pause });
    if (this.#failures.size > MOST_KEYS) this.#failures.delete(this.#failures.keys().next().value!);
  }

  forget(key: string): void {
    if (this.#failures.size > 0) this.#failures.delete(key);
  }
}
