import type { Coherence } from '../coherence/coherence.js';
import type { Fence } from '../coherence/fences.js';
import type { Recorder } from '../observability/recorder.js';
import { checkUnicode } from '../primitives/key.js';
import type { Entry } from '../tiers/entry.js';
import type { TierChain } from '../tiers/tier-chain.js';
import type { Values } from '../tiers/values.js';
import type { ResolvedOptions } from './entry-options.js';
import type { Flight, Flights } from './flights.js';
import { BatchLoad } from './load-context.js';
import type { Loaded, Loader } from './loader.js';

/** A key as its user knows it, with the one it is stored under. */
export interface NamedKey {
  readonly key: string;
  readonly stored: string;
}

type LoadMissing = (missing: string[], context: BatchLoad) => unknown;

/** Reads of several keys: one look into memory, one request to the remote tier, one call of the loader. */
export class BatchReadThrough {
  constructor(
    private readonly chain: TierChain,
    private readonly coherence: Coherence,
    private readonly flights: Flights,
    private readonly loader: Loader,
    private readonly values: Values,
    private readonly recorder: Recorder,
  ) {}

  /** @param keys distinct */
  async getMany(keys: readonly NamedKey[], options: ResolvedOptions): Promise<Map<string, unknown>> {
    const entries = this.#fromMemory(keys, options);
    const rest = entries.size === 0 ? keys : keys.filter(({ key }) => !entries.has(key));
    if (rest.length > 0) {
      const found = await this.#fetch(
        rest.map(({ stored }) => stored),
        options,
      );
      this.#collect(entries, rest, found);
      for (const entry of found) if (entry === undefined) this.recorder.miss();
    }
    return this.#give(keys, entries, options);
  }

  /** @param keys distinct */
  async getOrSetMany(
    keys: readonly NamedKey[],
    load: LoadMissing,
    options: ResolvedOptions,
  ): Promise<Map<string, unknown>> {
    const entries = this.#fromMemory(keys, options);
    const joined: [NamedKey, Flight][] = [];
    const own: NamedKey[] = [];
    for (const key of keys) {
      if (entries.has(key.key)) continue;
      const flight = this.flights.joinable(key.stored);
      if (flight === undefined) own.push(key);
      else joined.push([key, flight]);
    }
    const results = [this.#searchAll(own, load, options), this.#joinAll(joined)];
    // Both are waited for, so that the failure of one leaves no work behind unseen.
    for (const result of await Promise.allSettled(results)) {
      if (result.status === 'rejected') throw result.reason;
      for (const [key, entry] of result.value) entries.set(key, entry);
    }
    return this.#give(keys, entries, options);
  }

  async #fetch(stored: readonly string[], options: ResolvedOptions): Promise<(Entry | undefined)[]> {
    if (!this.chain.copiesUp(options)) return this.chain.fetch(stored, undefined, options);
    const fences = stored.map((key) => this.coherence.fences.open(key));
    try {
      return await this.chain.fetch(stored, fences, options);
    } finally {
      for (const fence of fences) this.coherence.fences.close(fence);
    }
  }

  #fromMemory(keys: readonly NamedKey[], options: ResolvedOptions): Map<string, Entry> {
    for (const { stored } of keys) checkUnicode(stored);
    const entries = new Map<string, Entry>();
    const memory = options.memory ? this.chain.memory : undefined;
    for (const { key, stored } of keys) {
      const entry = memory?.get(stored);
      if (entry === undefined) {
        this.recorder.readBegins(stored, memory !== undefined);
      } else {
        this.recorder.memoryHit(stored);
        entries.set(key, entry);
      }
    }
    return entries;
  }

  async #joinAll(joined: readonly [NamedKey, Flight][]): Promise<Map<string, Entry>> {
    const entries = new Map<string, Entry>();
    for (const { stored } of joined.map(([key]) => key)) this.recorder.coalesced(stored);
    const found = await Promise.all(joined.map(([, flight]) => flight.result));
    this.#collect(
      entries,
      joined.map(([key]) => key),
      found,
    );
    return entries;
  }

  async #searchAll(
    keys: readonly NamedKey[],
    load: LoadMissing,
    options: ResolvedOptions,
  ): Promise<Map<string, Entry>> {
    const entries = new Map<string, Entry>();
    if (keys.length === 0) return entries;
    const flights = this.flights.startBatch(
      keys.map(({ stored }) => stored),
      (fences) => this.#search(keys, fences, load, options),
    );
    this.#collect(entries, keys, await Promise.all(flights.map((flight) => flight.result)));
    return entries;
  }

  async #search(
    keys: readonly NamedKey[],
    fences: readonly Fence[],
    load: LoadMissing,
    options: ResolvedOptions,
  ): Promise<(Entry | undefined)[]> {
    const stored = keys.map((key) => key.stored);
    const entries =
      this.chain.remote === undefined
        ? keys.map(() => undefined)
        : await this.chain.fetch(stored, fences, options);
    const missing = keys.map((_, i) => i).filter((i) => entries[i] === undefined);
    if (missing.length === 0) return entries;
    for (let i = 0; i < missing.length; i++) this.recorder.miss();
    const names = missing.map((i) => keys[i]!.key);
    const context = new BatchLoad(names);
    const loaded = await this.loader.batch(
      names,
      () => load([...names], context),
      context,
      missing.map((i) => fences[i]!),
      options,
    );
    await this.#store(loaded, options);
    missing.forEach((i, at) => (entries[i] = loaded[at]?.entry));
    return entries;
  }

  #store(loaded: readonly (Loaded | undefined)[], options: ResolvedOptions): Promise<void> {
    const fills = loaded.flatMap((one) => (one?.fill === undefined ? [] : [one.fill]));
    return this.chain.store(fills, options);
  }

  #collect(into: Map<string, Entry>, keys: readonly NamedKey[], found: readonly (Entry | undefined)[]): void {
    keys.forEach(({ key }, i) => {
      const entry = found[i];
      if (entry !== undefined) into.set(key, entry);
    });
  }

  /** The present keys and their values, in the order of the keys. */
  #give(
    keys: readonly NamedKey[],
    entries: ReadonlyMap<string, Entry>,
    options: ResolvedOptions,
  ): Map<string, unknown> {
    const values = new Map<string, unknown>();
    for (const { key } of keys) {
      const entry = entries.get(key);
      if (entry !== undefined) values.set(key, this.values.read(entry, options));
    }
    return values;
  }
}
