import type { Clock } from '../primitives/clock.js';

/** The most names remembered: keys are made from what callers send. */
const MOST = 10_000;

/** What is not to be tried again for a while. */
export class LeftAlone {
  /** Until when. All are remembered for the same time, so that the first to be added is the first to be over. */
  readonly #names = new Map<string, number>();

  /** @param duration in milliseconds */
  constructor(
    private readonly duration: number,
    private readonly clock: Pick<Clock, 'now'>,
  ) {}

  add(name: string): void {
    this.#names.delete(name);
    this.#names.set(name, this.clock.now() + this.duration);
    if (this.#names.size > MOST) this.#names.delete(this.#names.keys().next().value!);
  }

  has(name: string): boolean {
    const until = this.#names.get(name);
    if (until === undefined) return false;
    if (this.clock.now() < until) return true;
    this.#names.delete(name);
    return false;
  }
}
