import { subscribe, unsubscribe } from 'node:diagnostics_channel';

import type { CacheOptions } from '../../lib/core/cache-options.js';
import { type CacheOutcome, DIAGNOSTICS_CHANNEL } from '../../lib/index.js';
import { type Bench, benchOf, closeBenches, redisFor, type Topology } from '../support/caches.js';
import { breathe } from '../support/deferred.js';
import type { SteppedRedis } from '../support/stepped-redis.js';

/** An instance whose events are kept. */
export interface Instance extends Bench {
  readonly events: Events;
}

const open: Events[] = [];

/** Opens an instance with a name of its own, in the namespace that all share. */
export async function openInstance(
  name: string,
  topology: Topology,
  redis: SteppedRedis,
  options: CacheOptions = {},
): Promise<Instance> {
  const events = new Events(name);
  open.push(events);
  const bench = await benchOf(topology, { name, namespace: 'cache', ...options }, redis);
  return { ...bench, events };
}

/** Two instances, P and Q, on one Redis, that both have these entries in all their tiers. Their events so far are forgotten. */
export async function openPair(
  topology: Topology,
  entries: readonly (readonly [key: string, value: unknown, tags: readonly string[]])[],
): Promise<[p: Instance, q: Instance]> {
  const redis = redisFor(topology);
  const p = await openInstance('p', topology, redis);
  const q = await openInstance('q', topology, redis);
  for (const [key, value, tags] of entries) await p.cache.set(key, value, { tags });
  await breathe();
  await q.cache.getMany(entries.map(([key]) => key));
  for (const { events } of [p, q]) events.forget();
  return [p, q];
}

/** For `afterEach`. */
export async function closeInstances(): Promise<void> {
  await closeBenches();
  for (const events of open.splice(0)) events.close();
}

/** What is published by the cache of one name. */
export class Events {
  readonly all: CacheOutcome[] = [];

  constructor(private readonly cache: string) {
    subscribe(DIAGNOSTICS_CHANNEL, this.#take);
  }

  /** Those with one of these outcomes, each as outcome and reason. */
  of(...outcomes: CacheOutcome['outcome'][]): string[] {
    return this.all
      .filter(({ outcome }) => outcomes.includes(outcome))
      .map(({ outcome, reason }) => [outcome, reason].filter(Boolean).join(' '));
  }

  /** How this instance gets on with the others. */
  get story(): string[] {
    return this.of('out-of-sync', 'resync', 'contact-lost', 'contact-regained', 'queued', 'replayed');
  }

  forget(): void {
    this.all.length = 0;
  }

  close(): void {
    unsubscribe(DIAGNOSTICS_CHANNEL, this.#take);
  }

  readonly #take = (message: unknown): void => {
    const outcome = message as CacheOutcome;
    if (outcome.cache === this.cache) this.all.push(outcome);
  };
}
