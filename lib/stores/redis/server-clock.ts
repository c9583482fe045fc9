import type { Redis } from 'ioredis';

import { troubleOf } from './trouble.js';

/** Milliseconds after which the offset is measured anew: clocks drift, up to some 0.1 ms per second. */
const REFRESH_AFTER = 60_000;
/** … and after which it is if the round trip was so long that half of it matters. */
const REFRESH_SOON_AFTER = 1_000;
const POOR_ROUND_TRIP = 100;
/** A round trip in milliseconds short enough to be believed at once. A longer one is repeated, and the shortest counts. */
const GOOD_ROUND_TRIP = 10;
const SAMPLES = 3;

/**
 * The clock of the Redis server, read without asking it each time: its TIME minus this process' monotonic clock, halfway
 * through the question's round trip (Cristian's algorithm), so it is wrong by half a round trip at most, usually far less.
 * After a new measurement it may go back by as much. The wall clock of this machine is used only as long as the server
 * never answered the question, be it that it cannot be reached or that the user may not use TIME.
 */
export class ServerClock {
  #offset: number | undefined;
  #roundTrip: number | undefined;
  #askedAt = -Infinity;
  #asked: Redis | undefined;
  #round = 0;

  /**
   * @param node the node to ask; `undefined` while that is not known
   * @param failed told when the node did not answer
   */
  constructor(
    private readonly node: () => Redis | undefined,
    private readonly failed: (error: unknown) => void,
  ) {}

  /** Milliseconds since 1970. */
  now(): number {
    return this.#offset === undefined ? Date.now() : performance.now() + this.#offset;
  }

  /** Whether the server's own clock is known. */
  get isMeasured(): boolean {
    return this.#offset !== undefined;
  }

  /** The round trip of the last measurement in milliseconds; `undefined` before the first. */
  get roundTrip(): number | undefined {
    return this.#roundTrip;
  }

  /** Measures if that was long ago, or if another node is the one to ask now. */
  refresh(): void {
    const node = this.node();
    const after = (this.#roundTrip ?? 0) > POOR_ROUND_TRIP ? REFRESH_SOON_AFTER : REFRESH_AFTER;
    if (node !== this.#asked || performance.now() - this.#askedAt > after) void this.measure(node);
  }

  /** Measures the offset. When it cannot be had, the one before stays in use. */
  async measure(node = this.node()): Promise<void> {
    if (node === undefined) return;
    const round = ++this.#round;
    this.#asked = node;
    this.#askedAt = performance.now();
    let best: Sample | undefined;
    try {
      for (let i = 0; i < SAMPLES && (best?.roundTrip ?? Infinity) > GOOD_ROUND_TRIP; i++) {
        const next = await sample(node);
        if (best === undefined || next.roundTrip < best.roundTrip) best = next;
      }
    } catch (error) {
      // That there is no connection is said by the connection.
      const news = troubleOf(error) !== 'unreachable';
      if (news && round === this.#round && best === undefined) this.failed(error);
    }
    // Otherwise another measurement has begun meanwhile, perhaps of another server.
    if (round !== this.#round || best === undefined) return;
    this.#offset = best.offset;
    this.#roundTrip = best.roundTrip;
  }
}

/** All in milliseconds. */
interface Sample {
  readonly offset: number;
  readonly roundTrip: number;
}

async function sample(node: Redis): Promise<Sample> {
  const sent = performance.now();
  // In a pipeline, so that automatic pipelining cannot hold the question back after `sent` was taken.
  const [reply] = (await node.pipeline().time().exec()) ?? [];
  const received = performance.now();
  const [error, time] = reply ?? [new Error('no reply to TIME')];
  if (error) throw error;
  const [seconds, microseconds] = time as [string, string];
  const server = Number(seconds) * 1000 + Number(microseconds) / 1000;
  return { offset: server - (sent + received) / 2, roundTrip: received - sent };
}
