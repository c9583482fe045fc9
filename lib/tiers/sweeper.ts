import type { Recorder } from '../observability/recorder.js';
import type { Clock } from '../primitives/clock.js';
import type { RemoteStore, Staleness } from '../stores/store.js';

/** How long prefixes are collected before a pass, and how far apart passes are at least, in milliseconds. */
const COLLECT = 200;
const BETWEEN_PASSES = 10_000;
/** Between two steps of a pass, in milliseconds: it may take its time, others are to be served meanwhile. */
const PAUSE = 5;
/** The most prefixes of one pass. What comes beyond is left to the ttl. */
const MOST_PREFIXES = 1_000;

/**
 * Gives back the memory of entries that a prefix or a clear has made unusable. They are not served in any case, and Redis
 * forgets them when their ttl ends: this only makes that earlier. A pass looks at all keys, whatever number of prefixes was
 * invalidated; what fails is left to the ttl.
 */
export class Sweeper {
  /** The prefixes to be swept, each with the clock value before which what is under it is unusable. */
  #wanted = new Map<string, number>();
  #running = false;
  #closed = false;

  /** @param root what all full keys begin with @param entries how they begin, and where they have their clock value */
  constructor(
    private readonly store: RemoteStore,
    private readonly root: string,
    private readonly entries: Pick<Staleness, 'head' | 'offset'>,
    private readonly time: Clock,
    private readonly recorder: Recorder,
  ) {}

  /** Sweeps when it is time to. @param prefix empty, or ending in a colon */
  want(prefix: string, before: number): void {
    if (prefix === '') this.#wanted.clear();
    if (this.#wanted.size < MOST_PREFIXES) this.#wanted.set(prefix, before);
    if (this.#running || this.#closed) return;
    this.#running = true;
    void this.#run();
  }

  close(): void {
    this.#closed = true;
  }

  async #run(): Promise<void> {
    for (await this.time.wait(COLLECT); this.#wanted.size > 0; await this.time.wait(BETWEEN_PASSES)) {
      const wanted = this.#wanted;
      this.#wanted = new Map();
      await this.#pass(wanted).catch(() => {});
      if (this.#closed) return;
    }
    this.#running = false;
  }

  async #pass(wanted: ReadonlyMap<string, number>): Promise<void> {
    const begun = this.time.now();
    let looked = 0;
    let removed = 0;
    const prefix = wanted.size === 1 ? [...wanted.keys()][0]! : '';
    for await (const keys of this.store.scan(this.root + prefix, () => this.time.wait(PAUSE))) {
      if (this.#closed) return;
      looked += keys.length;
      for (const [before, stale] of groupByLimit(keys, this.root.length, wanted)) {
        removed += await this.store.sweep(stale, { ...this.entries, before });
      }
    }
    this.recorder.coherence.swept([...wanted.keys()], looked, removed, this.time.now() - begun);
  }
}

/** The keys that one of the prefixes concerns, by the clock value before which they are unusable. */
function groupByLimit(
  keys: readonly string[],
  rootLength: number,
  wanted: ReadonlyMap<string, number>,
): Map<number, string[]> {
  const groups = new Map<number, string[]>();
  for (const key of keys) {
    const before = limitOf(key, rootLength, wanted);
    if (before === 0) continue;
    const group = groups.get(before);
    if (group === undefined) groups.set(before, [key]);
    else group.push(key);
  }
  return groups;
}

/** The highest clock value of any prefix of the key; 0 if there is none. */
function limitOf(key: string, rootLength: number, wanted: ReadonlyMap<string, number>): number {
  let before = wanted.get('') ?? 0;
  for (let colon = key.indexOf(':', rootLength); colon !== -1; colon = key.indexOf(':', colon + 1)) {
    before = Math.max(before, wanted.get(key.slice(rootLength, colon + 1)) ?? 0);
  }
  return before;
}
