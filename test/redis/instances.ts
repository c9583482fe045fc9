import { subscribe, unsubscribe } from 'node:diagnostics_channel';

import type { CacheOptions } from '../../lib/core/cache-options.js';
import { type CreatedCache, createCache, type Surroundings } from '../../lib/create-cache.js';
import { type CacheManager, type CacheOutcome, DIAGNOSTICS_CHANNEL } from '../../lib/index.js';
import type { CoherenceStats } from '../../lib/observability/stats.js';
import { until } from '../support/redis-server.js';

/** One of the instances of a cache, as a process of its own would have it. */
export class Instance {
  /** Everything that was published about it. */
  readonly events: CacheOutcome[] = [];
  readonly #listen = (message: unknown): void => {
    const outcome = message as CacheOutcome;
    if (outcome.cache === this.name) this.events.push(outcome);
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

  eventsOf(outcome: CacheOutcome['outcome']): CacheOutcome[] {
    return this.events.filter((event) => event.outcome === outcome);
  }

  /** What Redis would give to an instance that has nothing in memory. */
  inRedis(key: string): Promise<unknown> {
    return this.cache.get(key, { tiers: ['redis'] });
  }

  async close(): Promise<void> {
    await this.#created.close();
    unsubscribe(DIAGNOSTICS_CHANNEL, this.#listen);
  }
}

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

/**
 * Runs what invalidates something in one instance, and waits until the others have heard of it. Nothing else may be under
 * way to them.
 * @param messages how many they will hear
 */
export async function heardBy<T>(
  others: readonly Instance[],
  run: () => Promise<T>,
  messages = 1,
): Promise<T> {
  const expected = others.map(({ coherence }) => coherence.received + messages);
  const result = await run();
  for (const [i, other] of others.entries()) {
    await until(() => other.coherence.received >= expected[i]!, { what: 'another instance hearing of it' });
  }
  return result;
}
