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

  /** @param maxStaleness milliseconds; `Infinity` where there are no others */
  constructor(readonly maxStaleness: number) {
    this.until = maxStaleness === Infinity ? Infinity : -Infinity;
  }

  /** Everything that was announced before `moment` has been applied here. */
  heardUpTo(moment: number): void {
    this.until = moment + this.maxStaleness;
  }

  /** Whether what was loaded at `bornAt` may be served now. */
  admits(bornAt: number, now: number): boolean {
    return now <= this.until || now - bornAt <= this.maxStaleness;
  }
}
