import type { Recorder } from '../observability/recorder.js';
import type { Clock } from '../primitives/clock.js';
import type { RemoteStore, Staleness } from '../stores/store.js';

/** Between two batches, in milliseconds: it may take its time, others are to be served meanwhile. */
const PAUSE = 5;

/**
 * Gives back the memory of entries that a prefix or a clear has made unusable. They are not served in any case, and Redis
 * forgets them when their ttl ends: this only makes that earlier. What fails is left to the ttl.
 */
export class Sweeper {
  /** The prefixes to be swept, each with the clock value before which what is under it is unusable. */
  readonly #wanted = new Map<string, number>();
  #running = false;
  #closed = false;

  /** @param head how all entries begin @param offset where an entry has its clock value */
  constructor(
    private readonly store: RemoteStore,
    private readonly entries: Pick<Staleness, 'head' | 'offset'>,
    private readonly time: Clock,
    private readonly recorder: Recorder,
  ) {}

  /** Sweeps when it is free to. @param prefix of full keys */
  want(prefix: string, before: number): void {
    this.#wanted.set(prefix, before);
    if (this.#running || this.#closed) return;
    this.#running = true;
    void this.#run();
  }

  close(): void {
    this.#closed = true;
  }

  async #run(): Promise<void> {
    for (const [prefix, before] of this.#wanted) {
      this.#wanted.delete(prefix);
      await this.#sweep(prefix, before).catch(() => {});
    }
    this.#running = false;
  }

  async #sweep(prefix: string, before: number): Promise<void> {
    const begun = this.time.now();
    let looked = 0;
    let removed = 0;
    for await (const keys of this.store.scan(prefix)) {
      if (this.#closed) return;
      looked += keys.length;
      removed += await this.store.sweep(keys, { ...this.entries, before });
      await this.time.wait(PAUSE);
    }
    this.recorder.coherence.swept(prefix, looked, removed, this.time.now() - begun);
  }
}
