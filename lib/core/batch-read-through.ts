import { checkUnicode } from '../primitives/key.js';
import type { Entry } from '../tiers/entry.js';
import { BatchSearch, type Purpose } from './batch-search.js';
import { Abandoned, type Flight } from './flights.js';
import type { LoadMissing } from './leased-batch.js';
import type { NamedKey } from './named-key.js';
import { freshOnly, type ReadParts } from './read-through.js';
import type { ResolvedOptions } from './resolve-options.js';

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
    const due: NamedKey[] = [];
    const entries = this.#fromMemory(keys, options, due);
    const asOf = this.parts.coherence.clock.value;
    const missing = keys.filter(({ key }) => !entries.has(key));
    this.#refresh(due, load, options);
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
    const results = [this.#searchAll(own, load, options, 'read'), this.#joinAll(joined, asOf, load, options)];
    const entries = new Map<string, Entry>();
    // Both are waited for, so that the failure of one leaves no work behind unseen.
    for (const result of await Promise.allSettled(results)) {
      if (result.status === 'rejected') throw result.reason;
      for (const [key, entry] of result.value) entries.set(key, entry);
    }
    return entries;
  }

  /** Loads keys anew, for nobody in particular. */
  #refresh(keys: readonly NamedKey[], load: LoadMissing, options: ResolvedOptions): void {
    const { background, flights, staleness } = this.parts;
    if (!background.open) return;
    const idle = keys.filter(({ stored }) => !staleness.backsOff(stored) && !flights.has(stored));
    if (idle.length === 0) return;
    const started = this.#start(idle, load, options, 'refresh');
    background.run(Promise.all(started.map((flight) => flight.result)));
  }

  async #fetch(stored: readonly string[], options: ResolvedOptions): Promise<(Entry | undefined)[]> {
    const { chain, coherence } = this.parts;
    if (!chain.asksRemote(options)) return stored.map(() => undefined);
    const fences = chain.copiesUp(options) ? stored.map((key) => coherence.fences.open(key)) : undefined;
    try {
      const found = await chain.fetch(stored, fences, options);
      return found.map((one, i) => freshOnly(one, stored[i]!, this.parts.recorder));
    } finally {
      for (const fence of fences ?? []) coherence.fences.close(fence);
    }
  }

  /** @param due gets the keys of entries that will do now and are to be refreshed; without it only fresh ones will do */
  #fromMemory(keys: readonly NamedKey[], options: ResolvedOptions, due?: NamedKey[]): Map<string, Entry> {
    for (const { stored } of keys) checkUnicode(stored);
    const entries = new Map<string, Entry>();
    const memory = options.memory ? this.parts.chain.memory : undefined;
    const { recorder, staleness } = this.parts;
    for (const named of keys) {
      const { key, stored } = named;
      const fresh = memory?.get(stored);
      if (fresh !== undefined) {
        recorder.memoryHit(stored);
        entries.set(key, fresh);
        if (options.refreshAhead !== undefined && staleness.refreshIsDue(options.refreshAhead, fresh))
          due?.push(named);
        continue;
      }
      const stale = due === undefined ? undefined : memory?.reserve(stored);
      const reason = stale && staleness.early(stored, stale, options);
      if (reason === undefined) {
        recorder.readBegins(stored, memory !== undefined);
      } else {
        recorder.staleHit('memory', false);
        recorder.stale('memory', stored, reason);
        entries.set(key, stale!);
        due!.push(named);
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
    const { flights } = this.parts;
    const entries = new Map<string, Entry>();
    const again: NamedKey[] = [];
    const waits = joined.map(([, flight]) => this.parts.staleness.awaitJoined(flight, options));
    const landed = await Promise.allSettled(waits);
    landed.forEach((result, i) => {
      const [key, flight] = joined[i]!;
      const entry = result.status === 'fulfilled' ? result.value : undefined;
      const answers = result.status === 'fulfilled' ? flights.admits(flight, entry, asOf) : hasFailed(result);
      if (answers) this.parts.recorder.coalesced(key.stored);
      else again.push(key);
      if (entry !== undefined) entries.set(key.key, entry);
    });
    const failed = landed.find(hasFailed);
    if (failed !== undefined) {
      // Their reads end here as well.
      for (const { stored } of again) this.parts.recorder.coalesced(stored);
      throw failed.reason;
    }
    for (const { key } of again) entries.delete(key);
    if (again.length === 0) return entries;
    return new Map([...entries, ...(await this.#find(again, asOf, load, options))]);
  }

  async #searchAll(
    keys: readonly NamedKey[],
    load: LoadMissing,
    options: ResolvedOptions,
    purpose: 'read' | 'insist',
  ): Promise<Map<string, Entry>> {
    const entries = new Map<string, Entry>();
    if (keys.length === 0) return entries;
    const flights = this.#start(keys, load, options, purpose);
    const landed = await Promise.allSettled(
      flights.map((flight) => this.parts.staleness.await(flight, options)),
    );
    const failed = landed.find(hasFailed);
    if (failed !== undefined) throw failed.reason;
    const found = landed.map((result) => (result.status === 'fulfilled' ? result.value : undefined));
    this.#collect(entries, keys, found);
    // There was something to make do with, and is no more.
    const again = keys.filter((_, i) => landed[i]!.status === 'rejected');
    for (const [key, entry] of await this.#searchAll(again, load, options, 'insist')) entries.set(key, entry);
    const { refreshAhead } = options;
    if (refreshAhead !== undefined) {
      const isDue = (entry: Entry | undefined): boolean =>
        entry !== undefined &&
        entry.expiresAt > this.parts.time.now() &&
        this.parts.staleness.refreshIsDue(refreshAhead, entry);
      this.#refresh(keys.filter((_, i) => isDue(found[i])), load, options); // prettier-ignore
    }
    return entries;
  }

  #start(
    keys: readonly NamedKey[],
    load: LoadMissing,
    options: ResolvedOptions,
    purpose: Purpose,
  ): readonly Flight[] {
    const stored = keys.map((key) => key.stored);
    const search = (flights: readonly Flight[]) =>
      new BatchSearch(this.parts, load, options, purpose).run(keys, flights);
    return this.parts.flights.startBatch(stored, options.tags, search, purpose === 'refresh');
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

/** Whether a load has failed; one that was abandoned has not begun. */
function hasFailed(result: PromiseSettledResult<unknown>): result is PromiseRejectedResult {
  return result.status === 'rejected' && !(result.reason instanceof Abandoned);
}
