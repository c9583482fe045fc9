import type { Fence } from '../coherence/fences.js';
import { checkUnicode } from '../primitives/key.js';
import type { Entry } from '../tiers/entry.js';
import type { ResolvedOptions } from './entry-options.js';
import type { Flight } from './flights.js';
import type { NamedKey } from './named-key.js';
import type { ReadParts } from './read-through.js';
import { LeasedBatch, type LoadMissing } from './leased-batch.js';

/** Reads of several keys: one look into memory, one request to the remote tier, one call of the loader. */
export class BatchReadThrough {
  constructor(private readonly parts: ReadParts) {}

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
      for (const entry of found) if (entry === undefined) this.parts.recorder.miss();
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
    const asOf = this.parts.coherence.clock.value;
    const missing = keys.filter(({ key }) => !entries.has(key));
    for (const [key, entry] of await this.#find(missing, asOf, load, options)) entries.set(key, entry);
    return this.#give(keys, entries, options);
  }

  /** Joins the flights there are, and starts one for the rest. @param asOf the invalidation clock when the caller asked */
  async #find(
    keys: readonly NamedKey[],
    asOf: number,
    load: LoadMissing,
    options: ResolvedOptions,
  ): Promise<Map<string, Entry>> {
    const joined: [NamedKey, Flight][] = [];
    const own: NamedKey[] = [];
    for (const key of keys) {
      const flight = this.parts.flights.joinable(key.stored);
      if (flight === undefined) own.push(key);
      else joined.push([key, flight]);
    }
    const results = [this.#searchAll(own, load, options), this.#joinAll(joined, asOf, load, options)];
    const entries = new Map<string, Entry>();
    // Both are waited for, so that the failure of one leaves no work behind unseen.
    for (const result of await Promise.allSettled(results)) {
      if (result.status === 'rejected') throw result.reason;
      for (const [key, entry] of result.value) entries.set(key, entry);
    }
    return entries;
  }

  async #fetch(stored: readonly string[], options: ResolvedOptions): Promise<(Entry | undefined)[]> {
    if (!this.parts.chain.copiesUp(options)) return this.parts.chain.fetch(stored, undefined, options);
    const fences = stored.map((key) => this.parts.coherence.fences.open(key));
    try {
      return await this.parts.chain.fetch(stored, fences, options);
    } finally {
      for (const fence of fences) this.parts.coherence.fences.close(fence);
    }
  }

  #fromMemory(keys: readonly NamedKey[], options: ResolvedOptions): Map<string, Entry> {
    for (const { stored } of keys) checkUnicode(stored);
    const entries = new Map<string, Entry>();
    const memory = options.memory ? this.parts.chain.memory : undefined;
    for (const { key, stored } of keys) {
      const entry = memory?.get(stored);
      if (entry === undefined) {
        this.parts.recorder.readBegins(stored, memory !== undefined);
      } else {
        this.parts.recorder.memoryHit(stored);
        entries.set(key, entry);
      }
    }
    return entries;
  }

  /** What an invalidation has made useless for this caller is looked for again. */
  async #joinAll(
    joined: readonly [NamedKey, Flight][],
    asOf: number,
    load: LoadMissing,
    options: ResolvedOptions,
  ): Promise<Map<string, Entry>> {
    const entries = new Map<string, Entry>();
    const again: NamedKey[] = [];
    const landed = await Promise.allSettled(joined.map(([, flight]) => flight.result));
    landed.forEach((result, i) => {
      const [key, flight] = joined[i]!;
      const entry = result.status === 'fulfilled' ? result.value : undefined;
      if (result.status === 'fulfilled' && !this.parts.flights.admits(flight, entry, asOf)) again.push(key);
      else this.parts.recorder.coalesced(key.stored);
      if (entry !== undefined) entries.set(key.key, entry);
    });
    const failed = landed.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    for (const { key } of again) entries.delete(key);
    if (again.length === 0) return entries;
    return new Map([...entries, ...(await this.#find(again, asOf, load, options))]);
  }

  async #searchAll(
    keys: readonly NamedKey[],
    load: LoadMissing,
    options: ResolvedOptions,
  ): Promise<Map<string, Entry>> {
    const entries = new Map<string, Entry>();
    if (keys.length === 0) return entries;
    const flights = this.parts.flights.startBatch(
      keys.map(({ stored }) => stored),
      options.tags,
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
    // Without a remote tier the loader is called at once, so that one which asks for these keys again is found out.
    const entries: (Entry | undefined)[] = this.parts.chain.asksRemote(options)
      ? await this.parts.chain.fetch(stored, fences, options)
      : keys.map(() => undefined);
    const missing = keys
      .map((key, i) => ({ key, fence: fences[i]!, i }))
      .filter(({ i }) => entries[i] === undefined);
    if (missing.length === 0) return entries;
    const batch = new LeasedBatch(this.parts, load, options);
    const loaded = await batch.load(missing);
    missing.forEach(({ i }, at) => (entries[i] = loaded[at]));
    return entries;
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
      if (entry !== undefined) values.set(key, this.parts.values.read(entry, options));
    }
    return values;
  }
}
