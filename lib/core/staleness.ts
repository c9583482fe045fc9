import type { Coherence } from '../coherence/coherence.js';
import type { StaleReason } from '../observability/outcome.js';
import type { Recorder } from '../observability/recorder.js';
import { type Clock, outlasts } from '../primitives/clock.js';
import type { Entry } from '../tiers/entry.js';
import { type RefreshAhead, refreshIsDue } from '../tiers/lifetime.js';
import { Backoff } from './backoff.js';
import type { Background } from './background.js';
import type { Flight, Reserve } from './flights.js';
import { loadTimedOut } from './loader.js';
import type { ResolvedOptions } from './resolve-options.js';

/**
 * Decides when an expired entry is served. Never one that was invalidated, nor one that might have been unheard for longer than
 * `maxStaleness`. Each caller goes by his own options, whatever flight he waits for.
 */
export class Staleness {
  readonly #backoff: Backoff;

  /** @param random from 0 to 1 */
  constructor(
    private readonly coherence: Coherence,
    private readonly time: Clock,
    private readonly random: () => number,
    private readonly background: Background,
    private readonly recorder: Recorder,
  ) {
    this.#backoff = new Backoff(time);
  }

  /** Why an entry will do at once, if it will: a refresh may run meanwhile, or loading has failed a moment ago. */
  early(key: string, entry: Entry, { policy }: ResolvedOptions): StaleReason | undefined {
    // A copy that memory has held long enough: whoever it was copied from has it still.
    if (this.time.now() < entry.endsAt) return undefined;
    if (this.#isWithin(entry, policy.staleWhileRevalidate)) return 'revalidate';
    return this.backsOff(key) && this.#isWithin(entry, policy.staleIfError) ? 'error' : undefined;
  }

  refreshIsDue(ahead: RefreshAhead, entry: Entry): boolean {
    return refreshIsDue(ahead, entry, this.time.now(), this.random);
  }

  /** Whether loading has failed a moment ago. */
  backsOff(key: string): boolean {
    return this.#backoff.holds(key);
  }

  /** Whether a flight is not to load again yet, since whoever asked has something else. */
  refusesToLoad(flight: Flight, { policy }: ResolvedOptions): boolean {
    const window = Math.max(policy.staleIfError, policy.staleWhileRevalidate);
    return this.backsOff(flight.key) && this.usable(flight, window) !== undefined;
  }

  /** A key was loaded or set. */
  loaded(key: string): void {
    this.#backoff.forget(key);
  }

  failed(flight: Flight): void {
    if (this.usable(flight) !== undefined) this.#backoff.failed(flight.key);
  }

  /** What a flight has in reserve, if it may be served. @param window milliseconds after it expired */
  usable({ key, fence, reserve }: Flight, window = Infinity): Reserve | undefined {
    if (reserve === undefined || fence.broken) return undefined;
    const { clock, trust } = this.coherence;
    const { entry } = reserve;
    const valid =
      clock.covers(clock.slotsOf(key, entry.tags), entry.asOf) &&
      trust.admits(entry.bornAt, this.time.now()) &&
      this.#isWithin(entry, window);
    return valid ? reserve : undefined;
  }

  /** What a caller gets from a flight, be it expired. @throws what the load threw, if there is nothing else */
  await(flight: Flight, options: ResolvedOptions): Promise<Entry | undefined> {
    const { staleWhileRevalidate, staleIfError } = options.policy;
    if (staleWhileRevalidate === 0 && staleIfError === 0 && !flight.refreshes) return flight.result;
    return this.#awaitOrServe(flight, options);
  }

  /**
   * As {@link await}, for a caller who has joined: the flight is limited by the options of whoever began it, and goes on when
   * this one's `loadTimeout.hard` is up.
   * @throws CacheLoadTimeoutError
   */
  async awaitJoined(flight: Flight, options: ResolvedOptions): Promise<Entry | undefined> {
    const { hardTimeout } = options.policy;
    const awaited = this.await(flight, options);
    if (hardTimeout === undefined || !(await outlasts(awaited, hardTimeout, this.time))) return awaited;
    const reserve = this.usable(flight, options.policy.staleIfError);
    if (reserve === undefined) throw loadTimedOut(flight.key, hardTimeout);
    return this.#serve(flight, reserve, 'error');
  }

  async #awaitOrServe(flight: Flight, { policy }: ResolvedOptions): Promise<Entry | undefined> {
    const { staleWhileRevalidate, staleIfError, softTimeout } = policy;
    // Who is served something else leaves the flight, and perhaps nobody hears how it ends.
    flight.result.catch(() => {});
    if (staleWhileRevalidate > 0 || flight.refreshes) {
      await flight.lookup;
      const reserve = this.usable(flight, staleWhileRevalidate);
      if (reserve !== undefined) {
        if (this.time.now() < reserve.entry.expiresAt) return reserve.entry;
        return this.#serve(flight, reserve, 'revalidate');
      }
    }
    try {
      if (softTimeout !== undefined && (await outlasts(flight.result, softTimeout, this.time))) {
        // A slow tier may still have something.
        await Promise.race([flight.lookup, flight.result]);
        const reserve = this.usable(flight, Math.max(staleIfError, staleWhileRevalidate));
        if (reserve !== undefined) return this.#serve(flight, reserve, 'timeout');
      }
      return await flight.result;
    } catch (error) {
      const reserve = this.usable(flight, staleIfError);
      if (reserve === undefined) throw error;
      return this.#serve(flight, reserve, 'error');
    }
  }

  #serve(flight: Flight, { entry, tier }: Reserve, reason: StaleReason): Entry {
    if (reason !== 'error' && !flight.left) {
      flight.left = true;
      this.background.run(flight.result);
    }
    this.recorder.stale(tier, flight.key, reason);
    return entry;
  }

  /** @param window 0 for fresh ones only: a copy that memory has held long enough is none, though its life goes on */
  #isWithin({ expiresAt, endsAt, staleUntil }: Entry, window: number): boolean {
    const now = this.time.now();
    return window === 0 ? now < expiresAt : now < staleUntil && now - endsAt < window;
  }
}
