import { Logger } from '@nestjs/common';

import type { BreakerPart, BreakerState } from '../observability/breaker-recorder.js';

/** Says each trouble with Redis once when it begins and once when it is over, whatever happens in between. */
export class StoreLog {
  readonly #logger: Logger;
  /** Redis cannot be used, and that was said. */
  #failing = false;
  /** … and it is not asked. */
  #givenUp = false;
  #refusing = false;
  #deaf = false;

  constructor(name: string | undefined) {
    this.#logger = new Logger(name === undefined ? 'CacheModule' : `CacheModule(${name})`);
  }

  failed(error: Error): void {
    this.#fail(`Redis cannot be reached, the cache goes on without it: ${error.message}`);
  }

  recovered(): void {
    // Being connected is not all there is to it.
    if (!this.#failing || this.#givenUp) return;
    this.#failing = false;
    this.#logger.log('Redis can be reached again');
  }

  breaker(part: BreakerPart, state: BreakerState, reason: string | undefined): void {
    if (part === 'writes') return this.#refused(state, reason);
    this.#givenUp = state !== 'closed';
    if (state === 'open') this.#fail(`Redis cannot be used (${reason}), the cache goes on without it`);
    else if (state === 'closed') this.recovered();
  }

  /** As long as Redis as a whole cannot be reached, that has been said. */
  contact(kept: boolean): void {
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

  warn(message: string): void {
    this.#logger.warn(message);
  }

  #fail(message: string): void {
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
