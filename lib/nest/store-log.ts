import { Logger } from '@nestjs/common';

import type { Surroundings } from '../create-cache.js';
import type { BreakerPart, BreakerState } from '../observability/breaker-recorder.js';

/** How long nothing may go wrong before that is said, in milliseconds: a connection may be lost as soon as it is made. */
const QUIET = 1_000;

/** Says each trouble with Redis once when it begins and once when it is over, whatever happens in between. */
export class StoreLog {
  readonly #logger: Logger;
  /** Redis cannot be used, and that was said. */
  #failing = false;
  /** … and it is not asked. */
  #givenUp = false;
  #quiet: ReturnType<typeof setTimeout> | undefined;
  #refusing = false;
  #deaf = false;

  constructor(name: string | undefined) {
    this.#logger = new Logger(name === undefined ? 'CacheModule' : `CacheModule(${name})`);
  }

  /** What has to be told to it. */
  get surroundings(): Surroundings {
    return {
      onStoreError: (error) => this.#failed(error),
      onStoreReady: () => this.#recovered(),
      onBreaker: (part, state, reason) => this.#breaker(part, state, reason),
      onContact: (kept) => this.#contact(kept),
      onWarning: (message) => this.#logger.warn(message),
    };
  }

  #failed(error: Error): void {
    this.#fail(`Redis cannot be reached, the cache goes on without it: ${error.message}`);
  }

  #recovered(): void {
    // Being connected is not all there is to it.
    if (!this.#failing || this.#givenUp) return;
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => {
      this.#failing = false;
      this.#logger.log('Redis can be reached again');
    }, QUIET).unref();
  }

  #breaker(part: BreakerPart, state: BreakerState, reason: string | undefined): void {
    if (part === 'writes') return this.#refused(state, reason);
    this.#givenUp = state !== 'closed';
    if (state === 'open') this.#fail(`Redis cannot be used (${reason}), the cache goes on without it`);
    else if (state === 'closed') this.#recovered();
  }

  /** As long as Redis as a whole cannot be reached, that has been said. */
  #contact(kept: boolean): void {
    if (!kept && !this.#failing) {
      this.#deaf = true;
      this.#logger.warn(
        'other instances have not been heard of for longer than maxStaleness: only entries younger than that are served',
      );
    } else if (kept && this.#deaf) {
      this.#deaf = false;
      this.#logger.log('other instances are heard of again');
    }
  }

  #fail(message: string): void {
    clearTimeout(this.#quiet);
    if (this.#failing) return;
    this.#failing = true;
    this.#logger.error(message);
  }

  #refused(state: BreakerState, reason: string | undefined): void {
    if (state === 'open' && !this.#refusing) {
      this.#refusing = true;
      this.#logger.warn(
        `Redis stores nothing (${reason}): what it has is read, what is loaded is kept in memory only`,
      );
    } else if (state === 'closed' && this.#refusing) {
      this.#refusing = false;
      this.#logger.log('Redis stores again what it is given');
    }
  }
}
