import { type Lifetime, refreshAfter } from '../tiers/lifetime.js';
import type { ResolvedOptions } from './resolve-options.js';

/** Decides how long values live. */
export class Lifetimes {
  /** @param random from 0 to 1 */
  constructor(private readonly random: () => number) {}

  /**
   * @param ttl milliseconds that were decided for this very value; `undefined` if the options decide
   * @param loadTime milliseconds that loading it took
   * @returns `undefined` when it is not to be stored
   */
  of(
    value: unknown,
    ttl: number | undefined,
    { ttl: usual, policy, refreshAhead }: ResolvedOptions,
    loadTime: number,
  ): Lifetime | undefined {
    const whole = ttl ?? (value === null ? policy.negativeTtl : undefined) ?? usual;
    if (whole === 0) return undefined;
    const fresh = policy.jitter === 0 ? whole : Math.max(1, whole * (1 - policy.jitter * this.random()));
    const stale = fresh + Math.max(policy.staleWhileRevalidate, policy.staleIfError);
    return { fresh, stale, refresh: refreshAfter(refreshAhead, fresh, fresh, loadTime) };
  }
}
