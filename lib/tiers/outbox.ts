import { EVERYTHING, type Invalidation, nameOf, type Pattern } from '../coherence/invalidation.js';
import type { Recorder } from '../observability/recorder.js';
import type { Clock } from '../primitives/clock.js';

/** The most keys, tags, prefixes and patterns kept. Beyond that everything is invalidated. */
export const OUTBOX_LIMIT = 10_000;
/** Pauses between attempts, in milliseconds. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 1_000;

/**
 * Invalidations that took effect here and that Redis could not be told. They are sent until Redis has them.
 *
 * **What this process reads.** Whoever is in here has been told that it is done. So from the moment in which something is put
 * in until Redis has been told of it, what lies in Redis may be what was invalidated, and this process does not read there
 * ({@link Outbox.pending}). A read that begins now comes after everything that is in here: there is nothing in here that it
 * could disregard, so the queue has to be empty, and it matters that it gets empty.
 *
 * **That it gets empty.** Only while Redis is not known to answer does what is invalidated join the queue without being
 * tried: from a failure until something was sent ({@link Outbox.failing}). After that only what itself fails is put in. So
 * what waits when a sending has succeeded is all there is, it goes at once, and with it the queue is empty, however much is
 * being invalidated meanwhile. It waits between attempts only after a failure.
 *
 * **Order** does not matter among invalidations: so they are kept as one, and what goes directly may overtake what waits. A
 * `set` that does so may find its value removed afterwards by the invalidation of its key that had waited: that is a miss.
 */
export class Outbox {
  #waiting = new Pending();
  /** What is being sent, if anything. */
  #underWay: Pending | undefined;
  #running = false;
  #failing = false;
  /** How long it waits after the next failure. */
  #patience = FIRST_PAUSE;
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

  /** Whether anything waits or is being sent: then Redis may still have what was invalidated here. */
  get pending(): boolean {
    return this.#running;
  }

  /** Whether nothing was sent since something failed: then there is no point in trying anything else. */
  get failing(): boolean {
    return this.#failing;
  }

  /** To be given what Redis could not be told, or is not to be told now, see {@link failing}. */
  put(invalidation: Invalidation): void {
    const overflows = this.#waiting.add(invalidation);
    this.#failing = true;
    this.recorder.coherence.queued(this.size, overflows);
    if (this.#running || this.#closed) return;
    this.#running = true;
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
    while (this.size > 0) {
      if (this.#failing) await this.#pause();
      if (this.#closed) return;
      await (this.#attempt = this.#try());
    }
    this.#running = false;
    this.recorder.coherence.replayed();
  }

  #pause(): Promise<void> {
    const milliseconds = this.#patience;
    this.#patience = Math.min(milliseconds * 2, LONGEST_PAUSE);
    return new Promise((resolve) => {
      this.#wake = resolve;
      void this.time.wait(milliseconds).then(resolve);
    });
  }

  async #try(): Promise<void> {
    const sending = this.#waiting;
    this.#underWay = sending;
    this.#waiting = new Pending();
    try {
      await this.send(sending.take());
      this.#underWay = undefined;
      this.#failing = false;
      this.#patience = FIRST_PAUSE;
    } catch {
      // The failure that led here was recorded, and so is the one that keeps it waiting.
      this.#underWay = undefined;
      this.#failing = true;
      if (this.#waiting.add(sending.take())) this.recorder.coherence.queued(this.size, true);
    }
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
    for (const pattern of patterns) this.#patterns.set(nameOf(pattern), pattern);
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
