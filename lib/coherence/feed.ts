/** Where the clock of a namespace stands in Redis. */
export interface ClockReading {
  /** Drawn at random whenever the clock is made anew; clock values of different epochs cannot be compared. Hexadecimal. */
  readonly epoch: string;
  /** Grows by one with every invalidation. */
  readonly clock: number;
  /**
   * Differs between two invalidations of one number: a server that takes over without the newest ones gives their numbers to
   * others. Absent where it was not asked for.
   */
  readonly tip?: number;
}

/** Everything a process has to know to judge what lies in Redis. */
export interface Snapshot extends ClockReading {
  /** For each slot the clock at its last invalidation. */
  readonly slots: Float64Array;
  /** The id of the codec that the instance which joined before this one writes with, or this one's own. */
  readonly codec: string;
}

/** An invalidation as it was found in the stream. */
export interface RawMessage {
  readonly clock: number;
  /** Its own tip, and that of the one before it. */
  readonly tip?: number;
  readonly before?: number;
  /** `undefined` where the stream holds something else than was expected. */
  readonly epoch: string | undefined;
  readonly body: string | undefined;
  /** When it was announced, by the store's clock. */
  readonly sentAt: number;
}

export interface Poll {
  /** The clock before the messages were asked for; `undefined` when it is gone, or is no clock. */
  readonly reading: ClockReading | undefined;
  readonly messages: readonly RawMessage[];
  /** Whether there may be more messages than these. */
  readonly more: boolean;
}

/** How invalidations that others announce reach this process. */
export interface Feed {
  /**
   * Reads the clock and all slots. Makes a clock with a new epoch if there is none, or if it is behind `seen`, or if the
   * number of `seen` has another tip by what the store still has: then Redis has lost invalidations.
   * @param lost whether it has in any case, if the epoch is still the one that was seen
   */
  join(seen: ClockReading | undefined, lost: boolean): Promise<Snapshot>;
  /**
   * What was announced after clock value `after`; waits up to `patience` milliseconds for the first message.
   * @returns what there was at some moment between this call and its answer
   */
  poll(after: number, patience: number): Promise<Poll>;
}
