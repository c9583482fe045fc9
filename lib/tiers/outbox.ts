import {
  EVERYTHING,
  type Invalidation,
  invalidationOf,
  mergeInvalidations,
  sizeOf,
} from '../coherence/invalidation.js';
import type { Recorder } from '../observability/recorder.js';
import type { Clock } from '../primitives/clock.js';

/** The most keys, tags, prefixes and patterns kept. Beyond that everything is invalidated. */
export const OUTBOX_LIMIT = 10_000;
/** Pauses between attempts, in milliseconds. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 1_000;

/**
 * Invalidations that took effect here and that Redis could not be told. They are sent until Redis has them. As long as there
 * are any, what this process reads from Redis may be what it has invalidated: so it does not read there.
 *
 * Order does not matter among invalidations, so they are kept as one.
 */
export class Outbox {
  #waiting: Invalidation = invalidationOf({});
  #sending = false;
  #closed = false;

  /** @param send tells Redis; rejects when that is not possible */
  constructor(
    private readonly send: (invalidation: Invalidation) => Promise<void>,
    private readonly time: Clock,
    private readonly recorder: Recorder,
  ) {}

  /** How many keys, tags, prefixes and patterns wait. */
  get size(): number {
    return sizeOf(this.#waiting);
  }

  /** Whether anything waits or is being sent. */
  get pending(): boolean {
    return this.#sending;
  }

  put(invalidation: Invalidation): void {
    const merged = mergeInvalidations([this.#waiting, invalidation]);
    const overflows = sizeOf(merged) > OUTBOX_LIMIT;
    this.#waiting = overflows ? EVERYTHING : merged;
    this.recorder.coherence.queued(this.size, overflows);
    if (this.#sending || this.#closed) return;
    this.#sending = true;
    void this.#run();
  }

  /** Tries once more and then gives up. @returns what Redis was not told */
  async close(): Promise<number> {
    if (this.#closed) return 0;
    this.#closed = true;
    if (this.size > 0) await this.#attempt();
    return this.size;
  }

  async #run(): Promise<void> {
    for (let pause = FIRST_PAUSE; this.size > 0; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      await this.time.wait(pause);
      if (this.#closed) return;
      await this.#attempt();
    }
    this.#sending = false;
    this.recorder.coherence.replayed();
  }

  async #attempt(): Promise<void> {
    const sending = this.#waiting;
    this.#waiting = invalidationOf({});
    try {
      await this.send(sending);
    } catch {
      // The failure that led here was recorded, and so is the one that keeps it waiting.
      this.#waiting = mergeInvalidations([sending, this.#waiting]);
    }
  }
}
