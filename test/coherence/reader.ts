import type { Bench } from '../support/caches.js';
import { KEY, TAGS } from './actions.js';

/** Reads KEY in one process, and knows what may be read there. */
export class Reader {
  /** The oldest row that a read which begins now may give. */
  floor = 1;
  /** Reads that have not ended. */
  readonly pending = new Set<string>();
  readonly #receivedBefore: number;

  /** @param complain told of every read that gives an older row */
  constructor(
    readonly bench: Bench,
    readonly complain: (what: string) => void,
  ) {
    this.#receivedBefore = this.#received;
  }

  /** Whether an invalidation of another process has been heard of. */
  get hasHeard(): boolean {
    return this.#received > this.#receivedBefore;
  }

  /** Looks into memory. */
  peek(): void {
    const row = this.bench.cache.peek<number>(KEY);
    if (row !== undefined && row < this.floor) this.complain(`memory has row ${row}`);
  }

  /** Reads in every way. @param row what the database has */
  read(row: number): void {
    const { cache } = this.bench;
    const load = async (): Promise<Map<string, number>> => new Map([[KEY, row]]);
    const loaded = cache.getOrSet(KEY, async () => row, { tags: TAGS });
    void this.expect('get', cache.get<number>(KEY));
    void this.expect('getOrSet', loaded);
    void this.expect('getOrSetMany', first(cache.getOrSetMany([KEY], load, { tags: TAGS })));
    void this.expect('getMany', first(cache.getMany<number>([KEY])));
  }

  /** Looks at what rests. */
  async inspect(): Promise<void> {
    this.peek();
    const row = await this.bench.cache.get<number>(KEY, { tiers: ['redis'] });
    if (row !== undefined && row < this.floor) this.complain(`row ${row} rests in Redis`);
  }

  /** @param least the oldest row that may come */
  async expect(name: string, result: Promise<number | undefined>, least = this.floor): Promise<void> {
    this.pending.add(name);
    try {
      const row = await result;
      if (row !== undefined && row < least) this.complain(`${name} gave row ${row}`);
    } catch (error) {
      this.complain(`${name} failed: ${String(error)}`);
    }
    this.pending.delete(name);
  }

  /** Lets everything go on its way. */
  release(): void {
    this.bench.store.release();
    this.bench.store.feed.release();
  }

  get #received(): number {
    return this.bench.cache.stats().coherence?.received ?? 0;
  }
}

async function first(rows: Promise<Map<string, number>>): Promise<number | undefined> {
  return [...(await rows).values()][0];
}
