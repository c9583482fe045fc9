import { CacheStoreError } from '../../primitives/errors.js';
import type { Lane } from './lane.js';

/** What has to be known of the connections that lanes are sent over. */
export interface DeadlinesOptions<L> {
  /** Milliseconds after which a lane is given up as a whole. */
  readonly timeout: number;
  /** Milliseconds after which its reads and claims are. */
  readonly patience: () => number;
  /** How many bytes have come over the connection of a lane. */
  readonly received: (lane: L) => number;
  /** Told of each lane that was given up as a whole. */
  readonly onLate: (lane: L) => void;
}

/**
 * What a connection that works brings in a millisecond at least, in bytes. Answers that are large may take the time that this
 * comes to; who drips slower than that is as good as silent.
 */
const BYTES_PER_MS = 10_000;

/**
 * Sees to it that no caller waits much longer for Redis than he should. One timer looks at all lanes under way now and then:
 * to start and stop one for each would cost more than all the rest of a lane.
 *
 * A connection answers in order. So as long as one lane is overdue, nothing that is sent behind it can be answered in time,
 * and need not be sent at all.
 */
export class Deadlines<L extends Lane> {
  /** In the order in which they were sent. */
  readonly #lanes = new Set<L>();
  /** Those among them whose reads and claims were given up. */
  readonly #overdue = new Set<L>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: DeadlinesOptions<L>) {}

  /** Gives the lane up when it is time to, or up to a quarter of that time later. */
  watch(lane: L): void {
    const now = performance.now();
    lane.deadline = now + this.options.timeout;
    lane.promptBy = now + this.options.patience();
    this.#lanes.add(lane);
    this.#timer ??= this.#start();
  }

  /** To be called when the lane is over. */
  forget(lane: L): void {
    this.#lanes.delete(lane);
    if (this.#overdue.size > 0) this.#overdue.delete(lane);
  }

  /** Lanes of which nothing should be expected before they are answered. */
  get overdue(): ReadonlySet<L> {
    return this.#overdue;
  }

  #start(): ReturnType<typeof setTimeout> {
    const { patience, timeout } = this.options;
    // After a busy stretch of the event loop timers come first, although replies may be waiting to be read.
    return setTimeout(() => setImmediate(() => this.#look()), Math.min(patience(), timeout) / 4).unref();
  }

  #look(): void {
    const now = performance.now();
    for (const lane of this.#lanes) {
      if (lane.deadline <= now) this.#giveUp(lane);
      else if (!lane.late && this.#isOverdue(lane, now)) {
        this.#overdue.add(lane);
        lane.hurry(silent());
      }
    }
    this.#timer = this.#lanes.size > 0 ? this.#start() : undefined;
  }

  /** Not at the first look: after a busy stretch that may come late, and find replies half read. */
  #isOverdue(lane: L, now: number): boolean {
    const received = this.options.received(lane);
    lane.receivedBefore ??= received;
    if (!lane.lookedAt) {
      lane.lookedAt = true;
      return false;
    }
    return lane.promptBy + (received - lane.receivedBefore) / BYTES_PER_MS <= now;
  }

  #giveUp(lane: L): void {
    this.forget(lane);
    lane.finish(
      new CacheStoreError(
        `Redis did not answer within ${this.options.timeout} ms, so it is not known what it did (option redis.commandTimeout)`,
        { trouble: 'silent' },
      ),
    );
    this.options.onLate(lane);
  }
}

/** For what is not waited for: Redis may well carry it out. */
export function silent(): CacheStoreError {
  return new CacheStoreError('Redis did not answer in time: whoever reads goes on without it', {
    trouble: 'silent',
  });
}
