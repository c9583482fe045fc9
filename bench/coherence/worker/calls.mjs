import { now, within } from '../time.mjs';

/** A call that takes longer than this is counted as slow. */
// The time limit of the library under test for Redis, 2 s and up to a quarter more, and the slowest load, 0.56 s; and some room.
const SLOW = 3_500;

/** How long a caller waits: one whose cache never answers must not stop asking for other keys. */
const PATIENCE = 10_000;

/** Makes calls of the cache, and sees to it that none of them is waited for without an end. */
export class Calls {
  /** Those that have not settled yet, given up or not. */
  pending = 0;

  constructor(recorder) {
    this.recorder = recorder;
  }

  /**
   * @param what the call, for those who look at the slow ones
   * @param settled is told when the call began and ended, and its result or its error, even long after it was given up
   */
  async make(what, run, settled) {
    this.pending++;
    const begin = now();
    let slow = false;
    const beSlow = () => {
      if (!slow) this.recorder.slow(what, begin);
      slow = true;
    };
    const done = (async () => run())().then(
      (value) => settled(begin, now(), value),
      (error) => settled(begin, now(), undefined, error),
    );
    const over = done.finally(() => {
      this.pending--;
      if (now() - begin > SLOW) beSlow();
    });
    await within(PATIENCE, over);
    if (now() - begin > SLOW) beSlow();
  }
}
