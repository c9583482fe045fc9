import type { Coherence } from '../coherence/coherence.js';
import type { Fence } from '../coherence/fences.js';
import type { Recorder } from '../observability/recorder.js';
import { checkUnicode } from '../primitives/key.js';
import type { Entry } from '../tiers/entry.js';
import type { Lease } from '../tiers/leases.js';
import type { Fill, TierChain } from '../tiers/tier-chain.js';
import type { Values } from '../tiers/values.js';
import type { Claims } from './claims.js';
import type { ResolvedOptions } from './entry-options.js';
import type { Flight, Flights } from './flights.js';
import type { Loader } from './loader.js';
import type { SingleLoad } from './load-context.js';

/** What both ways of reading work with. */
export interface ReadParts {
  readonly chain: TierChain;
  readonly coherence: Coherence;
  readonly flights: Flights;
  readonly loader: Loader;
  readonly claims: Claims;
  readonly values: Values;
  readonly recorder: Recorder;
}

/**
 * Reads of one key that memory could not answer.
 *
 * get: remote tier → miss. getOrSet: join a flight, or start one: remote tier → lease → loader → fill.
 */
export class ReadThrough {
  constructor(private readonly parts: ReadParts) {}

  async get(stored: string, options: ResolvedOptions): Promise<unknown> {
    checkUnicode(stored);
    this.parts.recorder.readBegins(stored, options.memory && this.parts.chain.memory !== undefined);
    const entry = await this.#fetch(stored, options);
    if (entry === undefined) {
      this.parts.recorder.miss();
      return undefined;
    }
    return this.parts.values.read(entry, options);
  }

  /** @param key the key as its user knows it, for the loader */
  async getOrSet(
    stored: string,
    key: string,
    load: (context: SingleLoad) => unknown,
    options: ResolvedOptions,
  ): Promise<unknown> {
    checkUnicode(stored);
    const { flights, coherence, recorder, chain } = this.parts;
    const asOf = coherence.clock.value;
    let flight = flights.joinable(stored);
    recorder.readBegins(stored, options.memory && chain.memory !== undefined);
    for (; flight !== undefined; flight = flights.joinable(stored)) {
      const entry = await this.#join(flight);
      // A batch that left the key out: somebody else may have begun to load it meanwhile.
      const answers = entry !== undefined || !flight.ofBatch;
      if (!answers || !flights.admits(flight, entry, asOf)) continue;
      // Not before: who has to go on is counted by what comes next.
      recorder.coalesced(stored);
      return this.#give(entry, options);
    }
    flight = flights.start(stored, options.tags, (fence) => this.#search(fence, key, load, options));
    return this.#give(await flight.result, options);
  }

  async #join(flight: Flight): Promise<Entry | undefined> {
    try {
      return await flight.result;
    } catch (error) {
      this.parts.recorder.coalesced(flight.key);
      throw error;
    }
  }

  async #fetch(stored: string, options: ResolvedOptions): Promise<Entry | undefined> {
    if (!this.parts.chain.copiesUp(options)) return this.parts.chain.fetchOne(stored, undefined, options);
    const fence = this.parts.coherence.fences.open(stored);
    try {
      return await this.parts.chain.fetchOne(stored, fence, options);
    } finally {
      this.parts.coherence.fences.close(fence);
    }
  }

  /** @param again whether a search for the same callers was broken while it waited for another process */
  async #search(
    fence: Fence,
    key: string,
    load: (context: SingleLoad) => unknown,
    options: ResolvedOptions,
    again = false,
  ): Promise<Entry | undefined> {
    const { chain, claims, recorder } = this.parts;
    if (!chain.asksRemote(options)) {
      recorder.miss();
      return this.#load(fence, undefined, key, load, options);
    }
    const found = again ? undefined : await chain.fetchOne(fence.key, fence, options);
    if (found !== undefined) return found;
    const { entry, lease } = await claims.one(fence, options);
    if (entry !== undefined) {
      recorder.coalesced(fence.key);
      return entry;
    }
    if (lease === undefined && !again && !this.parts.coherence.fences.admits(fence, options.tags)) {
      return this.#startOver(fence, key, load, options);
    }
    recorder.miss();
    return this.#load(fence, lease, key, load, options);
  }

  /** The key was invalidated before its load began: joins whoever looks for it now, or looks for it anew. */
  #startOver(
    { key: stored }: Fence,
    key: string,
    load: (context: SingleLoad) => unknown,
    options: ResolvedOptions,
  ): Promise<Entry | undefined> {
    const { flights, recorder } = this.parts;
    const newer = flights.joinable(stored);
    if (newer === undefined) {
      const search = (fence: Fence) => this.#search(fence, key, load, options, true);
      return flights.start(stored, options.tags, search).result;
    }
    recorder.coalesced(stored);
    return newer.result;
  }

  async #load(
    fence: Fence,
    lease: Lease | undefined,
    key: string,
    load: (context: SingleLoad) => unknown,
    options: ResolvedOptions,
  ): Promise<Entry | undefined> {
    let fill: Fill | undefined;
    try {
      const loaded = await this.parts.loader.one(key, load, fence, lease, options);
      fill = loaded?.fill;
      if (fill !== undefined) await this.parts.chain.store([fill], options);
      return loaded?.entry;
    } finally {
      if (lease !== undefined && fill === undefined) this.parts.chain.release(lease);
    }
  }

  #give(entry: Entry | undefined, options: ResolvedOptions): unknown {
    return entry === undefined ? undefined : this.parts.values.read(entry, options);
  }
}
