import type { Entry } from '../tiers/entry.js';
import type { Found } from '../tiers/remote-entries.js';
import { Abandoned, type Flight } from './flights.js';
import { LeasedBatch, type LoadMissing, type MissingKey } from './leased-batch.js';
import type { NamedKey } from './named-key.js';
import type { ReadParts } from './read-through.js';
import type { ResolvedOptions } from './resolve-options.js';

/** How the flights of one batch find their values: as `Search` does for one, with one request and one call of the loader. */
export class BatchSearch {
  readonly #unanswered = new Set<string>();

  /** @param purpose whether a caller waits for it; only then its keys count as reads */
  constructor(
    private readonly parts: ReadParts,
    private readonly load: LoadMissing,
    private readonly options: ResolvedOptions,
    private readonly purpose: 'read' | 'refresh',
  ) {}

  /** @returns for each key a fresh entry, or `undefined` if the loader has none */
  async run(keys: readonly NamedKey[], flights: readonly Flight[]): Promise<(Entry | undefined)[]> {
    const { chain } = this.parts;
    const memory = this.options.memory ? chain.memory : undefined;
    for (const flight of flights) {
      const held = memory?.reserve(flight.key);
      if (held !== undefined) flight.offer(held, 'memory');
    }
    if (this.purpose === 'read') for (const { key } of flights) this.#unanswered.add(key);
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
    const loaded = await new LeasedBatch(this.parts, this.load, this.options, this.#unanswered).load(missing);
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
    if (good) recorder.redisHit(flight.key);
    else if (early) recorder.staleHit('redis', true);
    else recorder.redisMiss(flight.key);
    if (good || early) this.#unanswered.delete(flight.key);
  }

  /** A refresh wants one that is not about to expire. It was drawn already whether it is: chance must not be asked twice. */
  #isGoodEnough(found: Found | undefined): boolean {
    if (found === undefined || found.fresh <= 0) return false;
    const { refreshAt } = found.entry;
    return this.purpose === 'read' || refreshAt === 0 || this.parts.time.now() < refreshAt;
  }

  /** Not if its load has failed a moment ago and callers have something else. */
  #wantsLoad(flight: Flight): boolean {
    flight.lookedUp();
    const failure = this.parts.staleness.reasonNotToLoad(flight, this.options);
    if (failure !== undefined) flight.failure = { error: new Abandoned(failure.error) };
    return failure === undefined;
  }
}
