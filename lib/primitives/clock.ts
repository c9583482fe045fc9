/** Where the library gets the time from. Tests give one they move by hand. */
export interface Clock {
  /** Milliseconds since some fixed moment; never goes back. Differences matter, the absolute value does not. */
  now(): number;
}

/** Reads between two looks at the real clock, see {@link CoarseClock}. */
const READS_PER_LOOK = 32;

/**
 * The monotonic clock of the process, looked at once a millisecond: reading it costs 50 ns, half a memory hit.
 * The remembered time is dropped by a timer after 1 ms and, since a timer cannot fire while the event loop is busy with
 * promises, after 32 reads as well.
 */
export class CoarseClock implements Clock {
  #time = 0;
  #reads = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  now(): number {
    return this.#reads-- > 0 ? this.#time : this.#look();
  }

  #look(): number {
    this.#time = performance.now();
    this.#reads = READS_PER_LOOK;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#reads = 0;
    }, 1).unref();
    return this.#time;
  }
}
