/** Where the library gets the time from. Tests give one they move by hand. */
export interface Clock {
  /** Milliseconds since some fixed moment; never goes back. Differences matter, the absolute value does not. */
  now(): number;
  /** Resolves after so many milliseconds. Does not keep the process alive. */
  wait(ms: number): Promise<void>;
  /** Calls back after so many milliseconds, unless it is told not to. Does not keep the process alive. @returns tells it */
  after(ms: number, callback: () => void): () => void;
}

/** Reads between two looks at the real clock, see {@link CoarseClock}. */
const READS_PER_LOOK = 32;

/** What Node's timers can do, in milliseconds: 24 days. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** The monotonic clock of the process. */
export const processClock: Clock = {
  now: () => performance.now(),
  wait: (ms) => new Promise((resolve) => void setTimeout(resolve, ms).unref()),
  after: (ms, callback) => {
    const timer = setTimeout(callback, Math.min(ms, LONGEST_TIMER)).unref();
    return () => clearTimeout(timer);
  },
};

/** Whether work takes longer than so many milliseconds. What becomes of it then is of no interest. @throws what it throws in time */
export async function outlasts(work: unknown, ms: number, time: Pick<Clock, 'after'>): Promise<boolean> {
  let stop!: () => void;
  const late = new Promise<true>((resolve) => (stop = time.after(ms, () => resolve(true))));
  try {
    return await Promise.race([Promise.resolve(work).then(() => false), late]);
  } finally {
    stop();
  }
}

/**
 * A clock that is looked at once a millisecond: a look costs 50 ns, half a memory hit. The time remembered is dropped by a
 * timer after 1 ms. A timer cannot fire while the event loop is blocked or busy with promises, so it is dropped after 32
 * reads as well; those 32 may be behind by as long as the loop was blocked.
 */
export class CoarseClock implements Pick<Clock, 'now'> {
  #time = 0;
  #reads = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly exact: Pick<Clock, 'now'>) {}

  now(): number {
    return this.#reads-- > 0 ? this.#time : this.#look();
  }

  #look(): number {
    this.#time = this.exact.now();
    this.#reads = READS_PER_LOOK;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#reads = 0;
    }, 1).unref();
    return this.#time;
  }
}
