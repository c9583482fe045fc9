import { EVERYTHING, type Invalidation, type Pattern } from '../coherence/invalidation.js';
import type { Recorder } from '../observability/recorder.js';
import type { Clock } from '../primitives/clock.js';

/** The most keys, tags, prefixes and patterns kept. Beyond that everything is invalidated. */
export const OUTBOX_LIMIT = 10_000;
/** Pauses between attempts, in milliseconds. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 1_000;

/**
 * Invalidations that took effect here and that Redis could not be told. They are sent until Redis has them. As long as there
 * are any, what this process reads from Redis may be what it has invalidated: so it does not read there.
 *
 * Order does not matter among invalidations, so they are kept as one.
 */
export class Outbox {
  #waiting = new Pending();
  /** What is being sent, if anything. */
  #underWay: Pending | undefined;
  #sending = false;
  #attempt: Promise<void> = Promise.resolve();
  #closed = false;
  #wake: (() => void) | undefined;

  /** @param send tells Redis; rejects when that is not possible */
  constructor(
    private readonly send: (invalidation: Invalidation) => Promise<void>,
    private readonly time: Clock,
    private readonly recorder: Recorder,
  ) {}

  /** How many keys, tags, prefixes and patterns Redis has not been told of, those included that are being sent. */
  get size(): number {
    return this.#waiting.size + (this.#underWay?.size ?? 0);
  }

  /** Whether anything waits or is being sent. */
  get pending(): boolean {
    return this.#sending;
  }

  put(invalidation: Invalidation): void {
    const overflows = this.#waiting.add(invalidation);
    this.recorder.coherence.queued(this.size, overflows);
    if (this.#sending || this.#closed) return;
    this.#sending = true;
    void this.#run();
  }

  /** Redis can be used again, it seems: what waits is sent now. */
  retry(): void {
    this.#wake?.();
  }

  /** Tries once more and then gives up. @returns how many keys, tags, prefixes and patterns Redis was not told of */
  async close(): Promise<number> {
    if (this.#closed) return 0;
    this.#closed = true;
    await this.#attempt;
    if (this.size > 0) await this.#try();
    return this.size;
  }

  async #run(): Promise<void> {
    for (let pause = FIRST_PAUSE; this.size > 0; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      await this.#pause(pause);
      if (this.#closed) return;
      await (this.#attempt = this.#try());
    }
    this.#sending = false;
    this.recorder.coherence.replayed();
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      void this.time.wait(milliseconds).then(resolve);
    });
  }

  async #try(): Promise<void> {
    this.#underWay = this.#waiting;
    this.#waiting = new Pending();
    const sending = this.#underWay.take();
    try {
      await this.send(sending);
    } catch {
      // The failure that led here was recorded, and so is the one that keeps it waiting.
      this.#waiting.add(sending);
    }
    this.#underWay = undefined;
  }
}

/** Invalidations that are kept as one. */
class Pending {
  readonly #keys = new Set<string>();
  readonly #tags = new Set<string>();
  readonly #prefixes = new Set<string>();
  readonly #patterns = new Map<string, Pattern>();

  get size(): number {
    return this.#keys.size + this.#tags.size + this.#prefixes.size + this.#patterns.size;
  }

  /** @returns whether there were too many, so that from now on they are everything */
  add({ keys, tags, prefixes, patterns }: Invalidation): boolean {
    // Everything is everything.
    if (this.#prefixes.has('')) return false;
    for (const key of keys) this.#keys.add(key);
    for (const tag of tags) this.#tags.add(tag);
    for (const prefix of prefixes) this.#prefixes.add(prefix);
    for (const pattern of patterns) this.#patterns.set(`${pattern.view}\n${pattern.glob.source}`, pattern);
    const overflows = this.size > OUTBOX_LIMIT;
    if (overflows || this.#prefixes.has('')) {
      for (const list of [this.#keys, this.#tags, this.#prefixes, this.#patterns]) list.clear();
      for (const prefix of EVERYTHING.prefixes) this.#prefixes.add(prefix);
    }
    return overflows;
  }

  take(): Invalidation {
    const [keys, tags, prefixes] = [[...this.#keys], [...this.#tags], [...this.#prefixes]];
    return { keys, tags, prefixes, patterns: [...this.#patterns.values()] };
  }
}
