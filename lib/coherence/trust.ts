/**
 * How long this process may believe that it has heard of everything that others invalidated. Read at every hit, so that a
 * dead connection, which nobody tells of, has its effect when the time has come and not when a timer finds it out.
 */
export class Trust {
  /**
   * Up to when hits are served whatever their age, by the process' clock. Later only entries that are younger than
   * `maxStaleness`: those cannot be older than they might be anyway.
   */
  until: number;
  /**
   * Up to when a clock is good enough that is behind by up to half of `maxStaleness`: hits in memory go by such a one, see
   * `CoarseClock`. As long as others are heard of it is never later than that.
   */
  calmUntil: number;

  /** @param maxStaleness milliseconds; `Infinity` where there are no others */
  constructor(readonly maxStaleness: number) {
    this.until = maxStaleness === Infinity ? Infinity : -Infinity;
    this.calmUntil = this.until;
  }

  /**
   * When something was loaded, going by a clock of another machine. Where that is in the future, the clocks do not agree:
   * all that is known then is that it had not been invalidated when the others were last heard of.
   */
  bornAt(claimed: number, now: number): number {
    return claimed <= now ? claimed : Math.min(now, this.until - this.maxStaleness);
  }

  /** Everything that was announced before `moment` has been applied here. */
  heardUpTo(moment: number): void {
    this.until = moment + this.maxStaleness;
    this.calmUntil = moment + this.maxStaleness / 2;
  }

  /** Whether what was loaded at `bornAt` may be served now. */
  admits(bornAt: number, now: number): boolean {
    return now <= this.until || now - bornAt <= this.maxStaleness;
  }
}
