import { subscribe, unsubscribe } from 'node:diagnostics_channel';

import type { CacheOptions } from '../../lib/core/cache-options.js';
import { type CreatedCache, createCache, type Surroundings } from '../../lib/create-cache.js';
import { type CacheManager, type CacheOutcome, DIAGNOSTICS_CHANNEL } from '../../lib/index.js';
import type { CoherenceStats } from '../../lib/observability/stats.js';
import { CacheStoreError } from '../../lib/primitives/errors.js';
import { until } from '../support/redis-server.js';

const READING = new Set<CacheOutcome['outcome']>(['hit', 'miss', 'coalesced', 'load', 'write']);

/** One of the instances of a cache, as a process of its own would have it. */
export class Instance {
  /** What was published about it, but for what reads and loads do. */
  readonly events: CacheOutcome[] = [];
  /** For each instance the clock value of its last invalidation that this one knows of. */
  readonly #known = new Map<string, number>();
  #resyncedAt = 0;
  readonly #listen = (message: unknown): void => {
    const outcome = message as CacheOutcome;
    if (outcome.cache !== this.name || READING.has(outcome.outcome)) return;
    this.events.push(outcome);
    const { clock, origin } = outcome;
    if (clock === undefined) return;
    if (outcome.outcome === 'resync') this.#resyncedAt = clock;
    else if (origin !== undefined) this.#known.set(origin, clock);
  };
  #created!: CreatedCache;

  constructor(private readonly name: string) {
    subscribe(DIAGNOSTICS_CHANNEL, this.#listen);
  }

  async open(options: CacheOptions, surroundings: Surroundings): Promise<this> {
    this.#created = await createCache({ ...options, name: this.name }, surroundings);
    return this;
  }

  get cache(): CacheManager {
    return this.#created.manager;
  }

  get coherence(): CoherenceStats {
    return this.cache.stats().coherence!;
  }

  /** Whether this instance knows of everything that `origin` has told Redis. */
  hasHeardOf(origin: Instance): boolean {
    const { instance } = origin.coherence;
    const last = origin.#known.get(instance) ?? 0;
    return Math.max(this.#known.get(instance) ?? 0, this.#resyncedAt) >= last;
  }

  eventsOf(outcome: CacheOutcome['outcome']): CacheOutcome[] {
    return this.events.filter((event) => event.outcome === outcome);
  }

  /** What Redis would give to an instance that has nothing in memory. */
  inRedis(key: string): Promise<unknown> {
    return this.answered(() => this.cache.get(key, { tiers: ['redis'] }));
  }

  /**
   * What a read gives if Redis answers it in time. On a busy machine a read may be given up, which says nothing about what
   * Redis has: then it is repeated.
   */
  async answered<T>(read: () => Promise<T>): Promise<T> {
    const [result] = await until(async (): Promise<[T] | undefined> => {
      const before = this.#silences;
      const found = await read();
      const asked = this.cache.stats().redis!.breaker === 'closed';
      return asked && this.#silences === before ? [found] : undefined;
    });
    return result;
  }

  /** What went wrong with Redis, but for answers that came late. */
  get failures(): unknown[] {
    return this.#failed.filter((error) => !isSilence(error));
  }

  get #silences(): number {
    return this.#failed.filter(isSilence).length;
  }

  get #failed(): unknown[] {
    return this.eventsOf('tier-failed').map(({ error }) => error);
  }

  async close(): Promise<void> {
    await this.#created.close();
    unsubscribe(DIAGNOSTICS_CHANNEL, this.#listen);
  }
}

function isSilence(error: unknown): boolean {
  return error instanceof CacheStoreError && error.trouble === 'silent';
}

/** Arguments of a server that ends waits when they are over: by default it is up to 100 ms late. */
export const PRECISE = ['--hz', '100'];

let names = 0;

/** Opens instances, and closes them all. */
export class Instances {
  readonly #open: Instance[] = [];

  /** @param options the same namespace makes them instances of one cache */
  async open(options: CacheOptions, surroundings: Surroundings = {}): Promise<Instance> {
    const instance = await new Instance(`instance-${names++}`).open(options, surroundings);
    this.#open.push(instance);
    return instance;
  }

  async openSeveral(count: number, options: CacheOptions): Promise<Instance[]> {
    return Promise.all(Array.from({ length: count }, () => this.open(options)));
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.splice(0).map((instance) => instance.close()));
  }
}

/** Runs what invalidates something in the instance `origin`, and waits until others have heard of it. */
export async function heardBy<T>(
  others: readonly Instance[],
  origin: Instance,
  run: () => Promise<T>,
): Promise<T> {
  const result = await run();
  for (const other of others) {
    await until(() => other.hasHeardOf(origin), { what: 'another instance hearing of it' });
  }
  return result;
}
