import type { Clock } from '../primitives/clock.js';

/** For how long it is remembered that a result could not be stored, in milliseconds: so long nobody waits for another's. */
export const UNSTORABLE_MEMORY = 10_000;

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

  delete(name: string): void {
    this.#names.delete(name);
  }

  has(name: string): boolean {
    if (this.#isOver(name)) this.#names.delete(name);
    return this.#names.has(name);
  }

  /** As {@link has}; but when the time is over only the first is told no: he finds out anew, and the others do not wait for him. */
  hasForOthers(name: string): boolean {
    const isOver = this.#isOver(name);
    if (isOver) this.add(name);
    return !isOver && this.#names.has(name);
  }

  #isOver(name: string): boolean {
    const until = this.#names.get(name);
    return until !== undefined && this.clock.now() >= until;
  }
}
