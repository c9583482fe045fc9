import { Logger } from '@nestjs/common';

/** The most things said, where the names are those of the application's own handlers. */
const MOST = 10_000;

/** Says why something is not cached, once for each handler. */
export class SaidOnce {
  readonly #said = new Set<string>();
  readonly #logger: Logger;

  /**
   * @param speaker who says it, as the log is to name it
   * @param what is not cached: `replies`
   * @param most how many things are said at most
   */
  constructor(
    speaker: string,
    private readonly what: string,
    private readonly most = MOST,
  ) {
    this.#logger = new Logger(speaker);
  }

  /** @param topic what the reason is about; of one topic only the first reason is said */
  notCached(site: string, topic: string, reason: string): void {
    const subject = `${topic} ${site}`;
    if (this.#said.has(subject) || this.#said.size === this.most) return;
    this.#said.add(subject);
    this.#logger.warn(`${this.what} of ${site} are not cached: ${reason}`);
  }
}
