import { CacheStoreError } from '../../primitives/errors.js';
import type { Lane } from './lane.js';

/**
 * Sees to it that no caller waits much longer than `timeout` milliseconds for Redis. One timer looks at all lanes under
 * way now and then: to start and stop one for each would cost more than all the rest of a lane.
 */
export class Deadlines<L extends Lane> {
  /** In the order in which they were sent. */
  readonly #lanes = new Set<L>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param onLate told of each lane that was given up */
  constructor(
    private readonly timeout: number,
    private readonly onLate: (lane: L) => void,
  ) {}

  /** Gives the lane up after `timeout` milliseconds, or up to a quarter more. */
  watch(lane: L): void {
    lane.deadline = performance.now() + this.timeout;
    this.#lanes.add(lane);
    this.#timer ??= this.#start();
  }

  /** To be called when the lane is over. */
  forget(lane: L): void {
    this.#lanes.delete(lane);
  }

  #start(): ReturnType<typeof setTimeout> {
    // After a busy stretch of the event loop timers come first, although replies may be waiting to be read.
    return setTimeout(() => setImmediate(() => this.#look()), this.timeout / 4).unref();
  }

  #look(): void {
    const now = performance.now();
    for (const lane of this.#lanes) {
      if (lane.deadline > now) break;
      this.#lanes.delete(lane);
      lane.finish(
        new CacheStoreError(
          `Redis did not answer within ${this.timeout} ms, so it is not known what it did (option redis.commandTimeout)`,
        ),
      );
      this.onLate(lane);
    }
    this.#timer = this.#lanes.size > 0 ? this.#start() : undefined;
  }
}
