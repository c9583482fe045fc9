import { type Clock, outlasts } from '../primitives/clock.js';
import { CacheClosedError } from '../primitives/errors.js';

/** Work that no caller waits for. */
export class Background {
  readonly #running = new Set<Promise<unknown>>();
  #closed = false;

  constructor(private readonly time: Clock) {}

  /** Whether new work may begin. */
  get open(): boolean {
    return !this.#closed;
  }

  /** To be called before a load that nobody waits for begins. @throws CacheClosedError */
  checkOpen(): void {
    if (this.#closed) throw new CacheClosedError('the cache is closed: nothing is refreshed any more');
  }

  /** @param work its failure has been recorded where it happened */
  run(work: Promise<unknown>): void {
    const ended = work.catch(() => {}).finally(() => this.#running.delete(ended));
    this.#running.add(ended);
  }

  /** No new work begins; resolves when what is running has ended, or after so many milliseconds. */
  async drain(longest: number): Promise<void> {
    this.#closed = true;
    if (this.#running.size > 0) await outlasts(Promise.all(this.#running), longest, this.time);
  }
}
