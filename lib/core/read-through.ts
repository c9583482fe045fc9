import type { Coherence } from '../coherence/coherence.js';
import type { Recorder } from '../observability/recorder.js';
import { checkUnicode } from '../primitives/key.js';
import type { Clock } from '../primitives/clock.js';
import type { Entry } from '../tiers/entry.js';
import type { Found } from '../tiers/remote-entries.js';
import type { TierChain } from '../tiers/tier-chain.js';
import type { Values } from '../tiers/values.js';
import type { Background } from './background.js';
import type { Claims } from './claims.js';
import type { ResolvedOptions } from './resolve-options.js';
import { Abandoned, type Flight, type Flights } from './flights.js';
import type { Loader } from './loader.js';
import type { SingleLoad } from './load-context.js';
import { Search } from './search.js';
import type { Staleness } from './staleness.js';

/** What both ways of reading work with. */
export interface ReadParts {
  readonly chain: TierChain;
  readonly coherence: Coherence;
  readonly flights: Flights;
  readonly loader: Loader;
  readonly claims: Claims;
  readonly staleness: Staleness;
  readonly background: Background;
  readonly values: Values;
  readonly time: Clock;
  readonly recorder: Recorder;
}

/** A flight has come to nothing: its caller was to make do with something else. */
const ABANDONED = Symbol('abandoned');

/** One call of `getOrSet`. */
export interface LoadCall {
  /** The key as its user knows it, for the loader. */
  readonly key: string;
  readonly load: (context: SingleLoad) => unknown;
  readonly options: ResolvedOptions;
}

/**
 * Reads of one key that memory could not answer as it is.
 *
 * get: remote tier → miss. getOrSet: expired entry that will do → join a flight, or start one (see `Search`).
 */
export class ReadThrough {
  constructor(private readonly parts: ReadParts) {}

  async get(stored: string, options: ResolvedOptions): Promise<unknown> {
    checkUnicode(stored);
    const { chain, recorder, values } = this.parts;
    const memory = options.memory ? chain.memory : undefined;
    // There, but about to be refreshed by somebody who can load it.
    const held = memory?.get(stored);
    if (held !== undefined) {
      recorder.memoryHit(stored);
      return values.read(held, options);
    }
    recorder.readBegins(stored, memory !== undefined);
    const entry = await this.#fetch(stored, options);
    if (entry === undefined) {
      recorder.miss();
      return undefined;
    }
    return values.read(entry, options);
  }

  async getOrSet(stored: string, call: LoadCall): Promise<unknown> {
    checkUnicode(stored);
    const { flights, coherence, recorder, chain } = this.parts;
    const { options } = call;
    const early = this.#early(stored, call);
    if (early !== undefined) return this.#give(early, options);
    const asOf = coherence.clock.value;
    // Found out before anything is counted: a loader that asks for its own key.
    let flight = flights.joinable(stored);
    recorder.readBegins(stored, options.memory && chain.memory !== undefined);
    const search = new Search(this.parts, call);
    for (; ; flight = flights.joinable(stored)) {
      const entry = await this.#try(stored, flight, search, options);
      if (entry === ABANDONED) continue;
      if (flight === undefined) {
        if (entry !== undefined && this.#isDue(entry, options)) this.#refresh(stored, call, entry);
        return this.#give(entry, options);
      }
      // A batch that left the key out: somebody else may have begun to load it meanwhile.
      const answers = entry !== undefined || !flight.ofBatch;
      if (!answers || !flights.admits(flight, entry, asOf)) continue;
      // Not before: who has to go on is counted by what comes next.
      search.shared(stored);
      return this.#give(entry, options);
    }
  }

  /** What a flight gives a caller who has joined it; without one, his own. */
  async #try(
    stored: string,
    joined: Flight | undefined,
    search: Search,
    options: ResolvedOptions,
  ): Promise<Entry | undefined | typeof ABANDONED> {
    const { staleness } = this.parts;
    try {
      if (joined !== undefined) return await staleness.awaitJoined(joined, options);
      const entry = await staleness.await(this.#start(stored, search, options.tags), options);
      search.shared(stored);
      return entry;
    } catch (error) {
      if (!(error instanceof Abandoned)) {
        search.shared(stored);
        throw error;
      }
      // There was something to make do with, and is no more.
      if (joined === undefined) search.insist();
      return ABANDONED;
    }
  }

  /** What memory has and will do though it has expired or is about to; has it refreshed. */
  #early(stored: string, call: LoadCall): Entry | undefined {
    const { options } = call;
    const entry = options.memory ? this.parts.chain.memory?.reserve(stored) : undefined;
    if (entry === undefined) return undefined;
    const { staleness, recorder } = this.parts;
    if (entry.expiresAt > this.parts.time.now()) {
      recorder.memoryHit(stored);
      // It was found to be due before: chance must not be asked twice.
      if (entry.refreshAt !== 0) this.#refresh(stored, call, entry);
      return entry;
    }
    const reason = staleness.early(stored, entry, options);
    if (reason === undefined) return undefined;
    recorder.staleHit('memory', false);
    recorder.stale('memory', stored, reason);
    this.#refresh(stored, call, entry);
    return entry;
  }

  #isDue(entry: Entry, { refreshAhead }: ResolvedOptions): boolean {
    return refreshAhead !== undefined && this.parts.staleness.refreshIsDue(refreshAhead, entry);
  }

  /** Loads the key anew, for nobody in particular. */
  #refresh(stored: string, call: LoadCall, replaces: Entry): void {
    const { background, flights, staleness } = this.parts;
    if (!background.open || staleness.backsOff(stored) || flights.has(stored)) return;
    const search = new Search(this.parts, call, replaces);
    background.run(this.#start(stored, search, call.options.tags, true).result);
  }

  #start(stored: string, search: Search, tags: readonly string[] | undefined, refreshes = false): Flight {
    return this.parts.flights.start(stored, tags, (flight) => search.run(flight), refreshes);
  }

  async #fetch(stored: string, options: ResolvedOptions): Promise<Entry | undefined> {
    const { chain, coherence, recorder } = this.parts;
    if (!chain.asksRemote(options)) return undefined;
    const fence = chain.copiesUp(options) ? coherence.fences.open(stored) : undefined;
    try {
      return freshOnly(await chain.fetchOne(stored, fence, options), stored, recorder);
    } finally {
      if (fence !== undefined) coherence.fences.close(fence);
    }
  }

  #give(entry: Entry | undefined, options: ResolvedOptions): unknown {
    return entry === undefined ? undefined : this.parts.values.read(entry, options);
  }
}

/** What a reader without a loader gets of what the remote tier has; counts it. */
export function freshOnly(found: Found | undefined, stored: string, recorder: Recorder): Entry | undefined {
  if (found !== undefined && found.fresh > 0) {
    recorder.redisHit(stored);
    return found.entry;
  }
  recorder.redisMiss(stored);
  return undefined;
}
