import type { Coherence } from '../coherence/coherence.js';
import type { Fence } from '../coherence/fences.js';
import { type Invalidation, matchesPattern } from '../coherence/invalidation.js';
import type { Recorder } from '../observability/recorder.js';
import type { Entry } from './entry.js';
import type { MemoryTier } from './memory-tier.js';
import type { Found, RemoteTier, RemoteWrite } from './remote-tier.js';
import type { Reading, Values } from './values.js';

/** Which tiers a call may use, and how it reads what they hold. */
export interface TierChoice extends Reading {
  readonly memory: boolean;
  readonly redis: boolean;
}

/** An entry about to be stored by whoever holds its fence. */
export interface Fill {
  readonly entry: Entry;
  readonly fence: Fence;
  /** Milliseconds, more than 0. */
  readonly ttl: number;
}

/**
 * The tiers in their order: reads go down, what is found is copied up, writes go through to all.
 * It is the only place that stores anything, so it is the only place where fences are asked.
 */
export class TierChain {
  #remote: RemoteTier | undefined;

  constructor(
    readonly memory: MemoryTier | undefined,
    remote: RemoteTier | undefined,
    private readonly coherence: Coherence,
    private readonly values: Values,
    private readonly recorder: Recorder,
  ) {
    this.#remote = remote;
  }

  /** The remote tier, until the chain is closed. */
  get remote(): RemoteTier | undefined {
    return this.#remote;
  }

  /** Whether the remote tier has a usable entry. Leaves no trace. */
  async holds(key: string, reading: Reading): Promise<boolean> {
    const found = await this.#remote?.readOne(key, this.coherence.clock.value);
    return found !== undefined && this.#accept(found.entry, key, reading);
  }

  /** Drops what memory holds and ends the remote tier's connections. */
  async close(): Promise<void> {
    const remote = this.#remote;
    this.#remote = undefined;
    this.memory?.close();
    await remote?.close();
  }

  /** Whether what is found in the remote tier is copied into memory. Only then does a read of it need a fence. */
  copiesUp(choice: TierChoice): boolean {
    return this.memory !== undefined && choice.memory;
  }

  /**
   * Asks the remote tier and copies what it has into memory.
   * @param fences one for each key, opened before this call; the caller closes them. Without them nothing is copied
   */
  async fetch(
    keys: readonly string[],
    fences: readonly Fence[] | undefined,
    choice: TierChoice,
  ): Promise<(Entry | undefined)[]> {
    if (this.#remote === undefined || !choice.redis) return Array.from(keys, () => undefined);
    const found = await this.#remote.read(keys, this.coherence.clock.value);
    return found.map((hit, i) => this.#take(hit, keys[i]!, fences?.[i], choice));
  }

  /** As {@link fetch}, for one key. */
  async fetchOne(key: string, fence: Fence | undefined, choice: TierChoice): Promise<Entry | undefined> {
    if (this.#remote === undefined || !choice.redis) return undefined;
    const hit = await this.#remote.readOne(key, this.coherence.clock.value);
    return this.#take(hit, key, fence, choice);
  }

  #take(
    hit: Found | undefined,
    key: string,
    fence: Fence | undefined,
    choice: TierChoice,
  ): Entry | undefined {
    if (hit === undefined || !this.#accept(hit.entry, key, choice)) {
      this.recorder.redisMiss(key);
      return undefined;
    }
    this.recorder.redisHit(key);
    if (fence !== undefined && this.copiesUp(choice)) this.#copyUp(hit, fence);
    return hit.entry;
  }

  #copyUp({ entry, ttl }: Found, fence: Fence): void {
    if (!this.coherence.fences.admits(fence, entry.tags)) return;
    // What is in memory by now was put there after this was asked for.
    if (this.memory?.peek(fence.key) === undefined) this.memory?.put(fence.key, entry, ttl);
  }

  #accept(entry: Entry, key: string, reading: Reading): boolean {
    try {
      this.values.accept(entry, reading);
      return true;
    } catch (error) {
      this.recorder.corrupt(key, error);
      return false;
    }
  }

  /**
   * Stores the results of loads in all chosen tiers, except those that an invalidation has overtaken. A store that fails
   * costs later loads, nothing else: the caller has its value.
   */
  async store(fills: readonly Fill[], choice: TierChoice): Promise<void> {
    const admitted = fills.filter(({ fence, entry }) => {
      if (this.coherence.fences.admits(fence, entry.tags)) return true;
      this.recorder.fillRefused(fence.key);
      return false;
    });
    const writes = admitted.map(({ fence, entry, ttl }) => ({ key: fence.key, entry, ttl }));
    await this.write(writes, choice).catch(() => {});
  }

  /**
   * Stores entries in all chosen tiers.
   * @throws CacheStoreError when the remote tier could not be told
   */
  async write(writes: readonly RemoteWrite[], choice: TierChoice): Promise<void> {
    if (writes.length === 0) return;
    // The remote tier first: it takes the encoded bytes in this very turn, before any reader can have them replaced.
    const told = this.#remote !== undefined && choice.redis ? this.#remote.write(writes) : undefined;
    if (choice.memory) for (const { key, entry, ttl } of writes) this.memory?.put(key, entry, ttl);
    await told;
  }

  /**
   * Carries out an invalidation that originates here. Memory and work in progress are dealt with before the remote tier is
   * asked, so that nobody is served from memory meanwhile, and again afterwards, for what was read from the remote tier
   * while it was being asked.
   * @returns the number of keys that were there, when keys were named
   * @throws CacheStoreError when the remote tier could not be told; this process is up to date all the same
   */
  async invalidate(invalidation: Invalidation): Promise<number> {
    const present = this.apply(invalidation);
    try {
      const removed = await this.#remove(invalidation);
      return removed === undefined ? present.filter(Boolean).length : count(present, removed);
    } finally {
      this.apply(invalidation);
    }
  }

  /** Makes memory and work in progress forget what the invalidation names; for keys, says which memory had. */
  apply(invalidation: Invalidation): boolean[] {
    this.coherence.apply(invalidation);
    if (this.memory === undefined) return [];
    const { memory } = this;
    if (invalidation.kind === 'keys') return invalidation.keys.map((key) => memory.delete(key));
    if (invalidation.kind === 'pattern') memory.deleteMatching((key) => matchesPattern(invalidation, key));
    if (invalidation.kind === 'prefix' && invalidation.prefix === '') memory.clear();
    return [];
  }

  async #remove(invalidation: Invalidation): Promise<boolean[] | undefined> {
    if (this.#remote === undefined) return undefined;
    switch (invalidation.kind) {
      case 'keys':
        return this.#remote.remove(invalidation.keys);
      case 'tags':
        await this.#remote.removeTagged(invalidation.tags);
        return undefined;
      case 'prefix':
        await this.#remote.removeWhere(invalidation.prefix, () => true);
        return undefined;
      case 'pattern':
        await this.#remote.removeWhere(invalidation.view, (key) => matchesPattern(invalidation, key));
        return undefined;
    }
  }
}

function count(inMemory: readonly boolean[], inRemote: readonly boolean[]): number {
  let total = 0;
  for (let i = 0; i < inRemote.length; i++) if (inRemote[i] === true || inMemory[i] === true) total++;
  return total;
}
