import { type Clock, processClock } from '../primitives/clock.js';

/** For how long it is remembered that a result cannot be stored, in milliseconds: so long nobody waits for another's. */
const REMEMBERED = 10_000;

/** The most keys remembered; the oldest are forgotten first. */
const MOST = 10_000;

/** Keys whose last result could not be stored: whoever asks for them has nothing to wait for. */
export class Unstorable {
  readonly #until = new Map<string, number>();

  constructor(private readonly clock: Pick<Clock, 'now'> = processClock) {}

  /** Of those who ask when the time is over, only the first is told no: he finds out anew, and the others do not wait for him. */
  has(key: string): boolean {
    const until = this.#until.get(key);
    if (until === undefined) return false;
    if (this.clock.now() < until) return true;
    this.remember(key);
    return false;
  }

  remember(key: string): void {
    this.#until.delete(key);
    this.#until.set(key, this.clock.now() + REMEMBERED);
    if (this.#until.size <= MOST) return;
    const [oldest] = this.#until.keys();
    this.#until.delete(oldest!);
  }

  /** Its result can be stored. */
  forget(key: string): void {
    this.#until.delete(key);
  }
}
