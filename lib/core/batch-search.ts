import type { Entry } from '../tiers/entry.js';
import type { Found } from '../tiers/remote-entries.js';
import { Abandoned, type Flight } from './flights.js';
import { LeasedBatch, type LoadMissing, type MissingKey } from './leased-batch.js';
import type { NamedKey } from './named-key.js';
import type { ReadParts } from './read-through.js';
import type { ResolvedOptions } from './resolve-options.js';

/**
 * Whether a caller waits for it: only then its keys count as reads. `insist` if he has been told to make do with something else
 * before, and had nothing else: his read has been counted then, and is loaded whatever has failed.
 */
export type Purpose = 'read' | 'insist' | 'refresh';

/** How the flights of one batch find their values: as `Search` does for one, with one request and one call of the loader. */
export class BatchSearch {
  /** The keys that somebody reads, as long as that has not been counted: each read is counted once, whatever becomes of it. */
  readonly #uncounted = new Set<string>();

  constructor(
    private readonly parts: ReadParts,
    private readonly load: LoadMissing,
    private readonly options: ResolvedOptions,
    private readonly purpose: Purpose,
  ) {}

  /** @returns for each key a fresh entry, or `undefined` if the loader has none */
  async run(keys: readonly NamedKey[], flights: readonly Flight[]): Promise<(Entry | undefined)[]> {
    if (this.purpose === 'read') for (const { key } of flights) this.#uncounted.add(key);
    try {
      return await this.#find(keys, flights);
    } finally {
      for (const key of this.#uncounted) this.parts.recorder.coalesced(key);
    }
  }

  async #find(keys: readonly NamedKey[], flights: readonly Flight[]): Promise<(Entry | undefined)[]> {
    const { chain } = this.parts;
    const memory = this.options.memory ? chain.memory : undefined;
    for (const flight of flights) {
      const held = memory?.reserve(flight.key);
      if (held !== undefined) flight.offer(held, 'memory');
    }
    // Without a remote tier the loader is called at once, so that one which asks for these keys again is found out.
    const found = chain.asksRemote(this.options) ? await this.#fetch(flights) : [];
    const entries: (Entry | undefined)[] = flights.map((_, i) =>
      this.#isGoodEnough(found[i]) ? found[i]!.entry : undefined,
    );
    const missing: (MissingKey & { readonly i: number })[] = [];
    flights.forEach((flight, i) => {
      if (entries[i] === undefined && this.#wantsLoad(flight)) {
        missing.push({ key: keys[i]!, flight, over: found[i], i });
      }
    });
    if (missing.length === 0) return entries;
    const awaited = this.purpose !== 'refresh';
    const batch = new LeasedBatch(this.parts, this.load, this.options, awaited, this.#uncounted);
    const loaded = await batch.load(missing);
    missing.forEach(({ i }, at) => (entries[i] = loaded[at]));
    return entries;
  }

  async #fetch(flights: readonly Flight[]): Promise<(Found | undefined)[]> {
    const found = await this.parts.chain.fetch(
      flights.map(({ key }) => key),
      flights.map(({ fence }) => fence),
      this.options,
    );
    flights.forEach((flight, i) => this.#take(flight, found[i]));
    return found;
  }

  #take(flight: Flight, found: Found | undefined): void {
    const { recorder, staleness } = this.parts;
    const good = this.#isGoodEnough(found);
    if (found !== undefined && (!good || flight.reserve !== undefined)) flight.offer(found.entry, 'redis');
    if (this.purpose === 'refresh') return;
    const early = found !== undefined && !good && staleness.early(flight.key, found.entry, this.options);
    if (!good && !early) return recorder.redisMiss(flight.key);
    if (!this.#uncounted.delete(flight.key)) return;
    if (good) recorder.redisHit(flight.key);
    else recorder.staleHit('redis', true);
  }

  /** A refresh wants one that is not about to expire. It was drawn already whether it is: chance must not be asked twice. */
  #isGoodEnough(found: Found | undefined): boolean {
    if (found === undefined || found.fresh <= 0) return false;
    const { refreshAt } = found.entry;
    return this.purpose !== 'refresh' || refreshAt === 0 || this.parts.time.now() < refreshAt;
  }

  /** Not if its load has failed a moment ago and callers have something else. */
  #wantsLoad(flight: Flight): boolean {
    flight.lookedUp();
    const refuses = this.purpose !== 'insist' && this.parts.staleness.refusesToLoad(flight, this.options);
    if (refuses) flight.failure = { error: new Abandoned() };
    return !refuses;
  }
}
