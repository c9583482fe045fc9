import { LRUCache } from 'lru-cache';

import type { InvalidationClock } from '../coherence/invalidation-clock.js';
import type { Trust } from '../coherence/trust.js';
import type { Recorder } from '../observability/recorder.js';
import type { Clock } from '../primitives/clock.js';
import { bytesToText } from './encoded.js';
import type { Entry } from './entry.js';
import type { Lifetime } from './lifetime.js';

export interface MemoryTierOptions {
  /** The most entries held. */
  readonly maxSize: number;
  /** The most encoded bytes held, or `undefined` for no such limit. */
  readonly maxBytes: number | undefined;
  /** The longest a copy stays, in milliseconds, or `undefined` for as long as its ttl. */
  readonly longest: number | undefined;
}

/** How often expired entries are swept, in milliseconds. Reads drop what they find expired at once. */
const SWEEP_EVERY = 30_000;
/** Entries looked at before the sweep lets the event loop turn: under a millisecond. */
const SWEEP_SLICE = 2_000;
/** The most entries looked at in one go to say how many an invalidation concerned: a few milliseconds. */
const MOST_COUNTED = 10_000;

/**
 * The tier in the process' own memory: the least recently used entries go first when it is full. Everything is
 * synchronous, so nothing can happen between a check and what follows from it.
 */
export class MemoryTier {
  readonly #entries: LRUCache<string, Entry>;
  readonly #maxSize: number;
  readonly #maxBytes: number;
  readonly #longest: number;
  #sweeper: ReturnType<typeof setInterval> | undefined;
  #growing = false;

  constructor(
    options: MemoryTierOptions,
    /** For deciding when an entry expires. */
    private readonly exact: Clock,
    /** For every hit. */
    private readonly coarse: Pick<Clock, 'now'>,
    private readonly clock: InvalidationClock,
    private readonly trust: Trust,
    private readonly recorder: Recorder,
  ) {
    this.#maxSize = options.maxSize;
    this.#maxBytes = options.maxBytes ?? Number.MAX_SAFE_INTEGER;
    this.#longest = options.longest ?? Infinity;
    this.#entries = new LRUCache<string, Entry>({
      max: options.maxSize,
      maxSize: this.#maxBytes,
      sizeCalculation: (entry) => Math.max(1, entry.size),
      dispose: (_entry, key, reason) => {
        if (reason === 'evict') this.recorder.evicted(key, this.#growing ? 'maxSize' : 'maxBytes');
        this.#growing = false;
      },
    });
    this.#sweeper = setInterval(() => void this.sweep(), SWEEP_EVERY).unref();
  }

  get size(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#entries.calculatedSize;
  }

  /** The fresh, valid entry under a stored key, which becomes the most recently used one. */
  get(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    return this.#usable(key, entry) ? entry : undefined;
  }

  /** As {@link get}, but leaves no trace. */
  peek(key: string): Entry | undefined {
    const entry = this.#entries.peek(key);
    if (entry === undefined) return undefined;
    const now = this.coarse.now();
    return entry.expiresAt > now && this.#trusted(entry, now) && this.#valid(key, entry) ? entry : undefined;
  }

  /**
   * The entry, be it expired, that may be served to those who take an expired one: valid, and not beyond its `staleUntil`.
   * Leaves no trace.
   */
  reserve(key: string): Entry | undefined {
    const entry = this.#entries.peek(key);
    if (entry === undefined) return undefined;
    const now = this.exact.now();
    const usable = entry.staleUntil > now && this.trust.admits(entry.bornAt, now) && this.#valid(key, entry);
    return usable ? entry : undefined;
  }

  /** Gives an entry its life, and holds it. */
  keep(key: string, entry: Entry, life: Lifetime): void {
    entry.live(life, this.exact.now());
    this.put(key, entry);
  }

  /** Holds an entry that was given its life. One larger than `maxBytes` is not held, nor is what it replaces. */
  put(key: string, entry: Entry): void {
    if (this.#sweeper === undefined) return;
    if (entry.size > this.#maxBytes) {
      this.#entries.delete(key);
      return;
    }
    if (this.#longest !== Infinity) {
      const window = entry.staleUntil - entry.expiresAt;
      entry.expiresAt = Math.min(entry.expiresAt, Math.ceil(this.exact.now() + this.#longest));
      entry.staleUntil = Math.min(entry.staleUntil, entry.expiresAt + window);
    }
    // The first entry pushed out goes for want of a place, any after it for want of bytes.
    if (entry.bytes !== undefined) entry.bytes = bytesToText(entry.bytes);
    this.#growing = this.#entries.size >= this.#maxSize && !this.#entries.has(key);
    this.#entries.set(key, entry);
    this.#growing = false;
    this.recorder.written('memory', key);
  }

  /** @returns whether a fresh, valid entry was there */
  delete(key: string): boolean {
    const usable = this.peek(key) !== undefined;
    this.#entries.delete(key);
    return usable;
  }

  /** @returns how many there were */
  deleteMatching(matches: (key: string) => boolean): number {
    const matching: string[] = [];
    for (const key of this.#entries.keys()) if (matches(key)) matching.push(key);
    for (const key of matching) this.#entries.delete(key);
    return matching.length;
  }

  /**
   * Drops what tags and prefixes have made unusable, for somebody who wants to know how much that was.
   * @returns `undefined` when there is so much to look at that he would be kept waiting: reads and sweeps then drop it
   */
  dropInvalid(): number | undefined {
    if (this.#entries.size > MOST_COUNTED) return undefined;
    const invalid: string[] = [];
    for (const [key, entry] of this.#entries.entries()) if (!this.#valid(key, entry)) invalid.push(key);
    for (const key of invalid) this.#entries.delete(key);
    return invalid.length;
  }

  /** @returns how many entries there were */
  clear(): number {
    const { size } = this.#entries;
    this.#entries.clear();
    return size;
  }

  /**
   * Drops what has expired or become invalid, a slice per turn of the event loop. A walk that meets an entry which was
   * used or dropped meanwhile may end early; the next sweep begins at the least recently used end again.
   */
  async sweep(): Promise<void> {
    let left = this.#entries.size;
    const now = this.exact.now();
    const walk = this.#entries.rentries();
    for (let slice = 0; left > 0; left--) {
      const next = walk.next();
      if (next.done === true) return;
      const [key, entry] = next.value as [string, Entry];
      this.#dropUnusable(key, entry, now);
      if (++slice < SWEEP_SLICE) continue;
      slice = 0;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Drops everything for good: nothing can be put afterwards. */
  close(): void {
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
    this.clear();
  }

  #usable(key: string, entry: Entry): boolean {
    if (this.#valid(key, entry)) {
      const now = this.coarse.now();
      // What cannot be trusted now stays: it may turn out to be valid when contact is regained.
      if (entry.expiresAt > now) return this.#trusted(entry, now);
      if (entry.staleUntil > now) return false;
      this.recorder.expired(key);
    }
    this.#entries.delete(key);
    return false;
  }

  /** @param now by the coarse clock: where that is not good enough, the exact one is looked at */
  #trusted(entry: Entry, now: number): boolean {
    return now <= this.trust.calmUntil || this.trust.admits(entry.bornAt, this.exact.now());
  }

  #valid(key: string, entry: Entry): boolean {
    if (entry.asOf >= this.clock.slotsMovedAt) return true;
    entry.slots ??= this.clock.slotsOf(key, entry.tags);
    if (!this.clock.covers(entry.slots, entry.asOf)) return false;
    entry.asOf = this.clock.value;
    return true;
  }

  #dropUnusable(key: string, entry: Entry, now: number): void {
    const expired = entry.staleUntil <= now;
    if (!expired && this.#valid(key, entry)) return;
    if (this.#entries.peek(key) !== entry) return;
    this.#entries.delete(key);
    if (expired) this.recorder.expired(key);
  }
}
