import { matchesPattern, type Pattern } from './invalidation.js';
import type { InvalidationClock } from './invalidation-clock.js';

/** What a watch remembers at most; after that it admits nothing. */
const MOST_NOTED = 10_000;

/**
 * Notes what is invalidated while a method runs whose result is to be stored, under a key that may be known only from the
 * result. A {@link Fence} is cheaper where the key is known.
 *
 * What it prevents: two methods change a row, the second one's entry is invalidated, then the first stores what it returned.
 */
export class Watch {
  #overflown = false;
  readonly #keys = new Set<string>();
  readonly #patterns: Pattern[] = [];
  readonly #asOf: number;

  constructor(private readonly clock: InvalidationClock) {
    this.#asOf = clock.value;
  }

  note(keys: readonly string[], patterns: readonly Pattern[]): void {
    if (this.#overflown) return;
    for (const key of keys) this.#keys.add(key);
    this.#patterns.push(...patterns);
    this.#bound();
  }

  /** A method that runs for long, or never ends, must not make the process remember everything. */
  #bound(): void {
    if (this.#keys.size + this.#patterns.length <= MOST_NOTED) return;
    this.#overflown = true;
    this.#keys.clear();
    this.#patterns.length = 0;
  }

  /** Whether nothing that concerns this key or these tags was invalidated since the watch began. */
  admits(key: string, tags: readonly string[] | undefined): boolean {
    if (this.#asOf === this.clock.value) return true;
    return (
      !this.#overflown &&
      !this.#keys.has(key) &&
      this.clock.covers(this.clock.slotsOf(key, tags), this.#asOf) &&
      !this.#patterns.some((pattern) => matchesPattern(pattern, key))
    );
  }
}
