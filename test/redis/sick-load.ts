import type { CacheManager } from '../../lib/index.js';

/** How long reads took beyond their loaders, in milliseconds. */
export class Latencies {
  readonly #excess: number[] = [];

  get count(): number {
    return this.#excess.length;
  }

  add(excess: number): void {
    this.#excess.push(excess);
  }

  percentile(part: number): number {
    const sorted = this.#excess.toSorted((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
  }

  get figures(): { p50: number; p99: number; max: number } {
    return { p50: this.percentile(0.5), p99: this.percentile(0.99), max: this.percentile(1) };
  }
}

const WORKERS = 32;
/** Far more than memory holds, so that most reads ask Redis. */
const SHARED = 400;
const LOADER = 4;

/** Callers that read one value after the other, shared ones and ones that nobody had before, until they are stopped. */
export class Load {
  latencies = new Latencies();
  calls = 0;
  readonly #workers: Promise<void>[];
  #stopped = false;

  constructor(private readonly cache: CacheManager) {
    this.#workers = Array.from({ length: WORKERS }, () => this.#work());
  }

  /** Resolves once all calls have returned. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#workers);
  }

  async #work(): Promise<void> {
    while (!this.#stopped) {
      const { latencies } = this;
      const number = this.calls++;
      const key = number % 2 === 0 ? `shared:${Math.floor(Math.random() * SHARED)}` : `own:${number}`;
      let loading = 0;
      const begun = performance.now();
      await this.cache.getOrSet(
        key,
        async () => {
          const from = performance.now();
          await new Promise((resolve) => setTimeout(resolve, LOADER));
          loading = performance.now() - from;
          return key;
        },
        { ttl: '10m' },
      );
      latencies.add(performance.now() - begun - loading);
      // Hits in memory take no turn of the event loop.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
