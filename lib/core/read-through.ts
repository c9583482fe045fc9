import type { Coherence } from '../coherence/coherence.js';
import type { Fence } from '../coherence/fences.js';
import type { Recorder } from '../observability/recorder.js';
import { checkUnicode } from '../primitives/key.js';
import type { Entry } from '../tiers/entry.js';
import type { TierChain } from '../tiers/tier-chain.js';
import type { Values } from '../tiers/values.js';
import type { ResolvedOptions } from './entry-options.js';
import type { Flight, Flights } from './flights.js';
import type { Loader } from './loader.js';
import type { SingleLoad } from './load-context.js';

/**
 * Reads of one key that memory could not answer.
 *
 * get: remote tier → miss. getOrSet: join a flight, or start one: remote tier → loader → fill.
 */
export class ReadThrough {
  constructor(
    private readonly chain: TierChain,
    private readonly coherence: Coherence,
    private readonly flights: Flights,
    private readonly loader: Loader,
    private readonly values: Values,
    private readonly recorder: Recorder,
  ) {}

  async get(stored: string, options: ResolvedOptions): Promise<unknown> {
    checkUnicode(stored);
    this.recorder.readBegins(stored, options.memory && this.chain.memory !== undefined);
    const entry = await this.#fetch(stored, options);
    if (entry === undefined) {
      this.recorder.miss();
      return undefined;
    }
    return this.values.read(entry, options);
  }

  /** @param key the key as its user knows it, for the loader */
  async getOrSet(
    stored: string,
    key: string,
    load: (context: SingleLoad) => unknown,
    options: ResolvedOptions,
  ): Promise<unknown> {
    checkUnicode(stored);
    let flight = this.flights.joinable(stored);
    this.recorder.readBegins(stored, options.memory && this.chain.memory !== undefined);
    for (; flight !== undefined; flight = this.flights.joinable(stored)) {
      const entry = await this.#join(flight);
      // A batch that left the key out: somebody else may have begun to load it meanwhile.
      if (entry !== undefined || !flight.ofBatch) return this.#give(entry, options);
    }
    flight = this.flights.start(stored, (fence) => this.#search(fence, key, load, options));
    return this.#give(await flight.result, options);
  }

  /** Not counted as coalesced when the flight had nothing for this caller, who goes on and is counted by what comes next. */
  async #join(flight: Flight): Promise<Entry | undefined> {
    try {
      const entry = await flight.result;
      if (entry !== undefined || !flight.ofBatch) this.recorder.coalesced(flight.key);
      return entry;
    } catch (error) {
      this.recorder.coalesced(flight.key);
      throw error;
    }
  }

  async #fetch(stored: string, options: ResolvedOptions): Promise<Entry | undefined> {
    if (!this.chain.copiesUp(options)) return this.chain.fetchOne(stored, undefined, options);
    const fence = this.coherence.fences.open(stored);
    try {
      return await this.chain.fetchOne(stored, fence, options);
    } finally {
      this.coherence.fences.close(fence);
    }
  }

  async #search(
    fence: Fence,
    key: string,
    load: (context: SingleLoad) => unknown,
    options: ResolvedOptions,
  ): Promise<Entry | undefined> {
    if (this.chain.remote !== undefined && options.redis) {
      const found = await this.chain.fetchOne(fence.key, fence, options);
      if (found !== undefined) return found;
    }
    this.recorder.miss();
    const loaded = await this.loader.one(key, load, fence, options);
    if (loaded?.fill !== undefined) await this.chain.store([loaded.fill], options);
    return loaded?.entry;
  }

  #give(entry: Entry | undefined, options: ResolvedOptions): unknown {
    return entry === undefined ? undefined : this.values.read(entry, options);
  }
}
