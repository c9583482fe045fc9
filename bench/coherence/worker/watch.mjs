import { now } from '../time.mjs';

const EVERY = 10;

/**
 * Looks all the time at what a library says of its own contact with Redis: whether it knows itself to be cut off, and how many
 * of its calls to Redis have failed so far. What happened between two looks counts from the first of them to the second.
 */
export class Watch {
  #last = now();
  #wasCutOff = false;
  #failures = 0;

  /** @param look gives `{ cutOff, failures }` */
  constructor(look, recorder) {
    Object.assign(this, { look, recorder });
  }

  start() {
    setInterval(() => this.#look(), EVERY);
  }

  #look() {
    const { cutOff, failures } = this.look();
    const time = now();
    this.recorder.contact({
      from: this.#last,
      to: time,
      cutOff: cutOff || this.#wasCutOff,
      failed: failures > this.#failures,
    });
    this.#last = time;
    this.#wasCutOff = cutOff;
    this.#failures = failures;
  }
}
