import type { Entry } from '../tiers/entry.js';
import type { Lease } from '../tiers/leases.js';
import type { Found } from '../tiers/remote-entries.js';
import type { Fill } from '../tiers/tier-chain.js';
import type { Flight } from './flights.js';
import type { LoadCall, ReadParts } from './read-through.js';

/**
 * How one flight finds a key's value: remote tier → lease → loader → fill. What it comes across that has expired it offers to
 * its callers and goes on.
 */
export class Search {
  /** @param purpose whether a caller waits for it; only then it counts as a read */
  constructor(
    private readonly parts: ReadParts,
    private readonly call: LoadCall,
    private readonly purpose: 'read' | 'refresh',
  ) {}

  /** @returns a fresh entry; `undefined` when the loader had nothing */
  async run(flight: Flight): Promise<Entry | undefined> {
    const { chain } = this.parts;
    const { options } = this.call;
    const held = options.memory ? chain.memory?.reserve(flight.key) : undefined;
    if (held !== undefined) flight.offer(held, 'memory');
    if (!chain.asksRemote(options)) return this.#withoutRemote(flight);
    const found = await chain.fetchOne(flight.key, flight.fence, options);
    if (found !== undefined && this.#isGoodEnough(found)) {
      if (this.purpose === 'read') this.parts.recorder.redisHit(flight.key);
      return found.entry;
    }
    if (found !== undefined) flight.offer(found.entry, 'redis');
    const answered = this.#answer(flight, found);
    flight.lookedUp();
    this.#refuseToHammer(flight);
    return this.#claim(flight, found, answered, false);
  }

  /** Loads at once, so that a loader which asks for its own key is found out. */
  #withoutRemote(flight: Flight): Promise<Entry | undefined> {
    flight.lookedUp();
    this.#refuseToHammer(flight);
    if (this.purpose === 'read') this.parts.recorder.miss();
    return this.#load(flight, undefined);
  }

  /** A refresh wants one that is not about to expire. */
  #isGoodEnough({ entry, fresh }: Found): boolean {
    if (fresh <= 0) return false;
    const { refreshAhead } = this.call.options;
    if (this.purpose === 'read' || refreshAhead === undefined) return true;
    return !this.parts.staleness.refreshIsDue(refreshAhead, entry);
  }

  /** Counts what the remote tier had. @returns whether nobody waits for more than that */
  #answer(flight: Flight, found: Found | undefined): boolean {
    if (this.purpose === 'refresh') return true;
    const { recorder, staleness } = this.parts;
    const reason = found && staleness.early(flight.key, found.entry, this.call.options);
    if (reason === undefined) recorder.redisMiss(flight.key);
    else recorder.staleHit('redis', true);
    return reason !== undefined;
  }

  /** Throws what the last load threw if that was a moment ago and callers have something else. */
  #refuseToHammer(flight: Flight): void {
    const failure = this.parts.staleness.reasonNotToLoad(flight, this.call.options);
    if (failure !== undefined) throw failure.error;
  }

  /**
   * @param over what is to be replaced, though it can still be read
   * @param again whether a search for the same callers was broken while it waited for another process
   */
  async #claim(
    flight: Flight,
    over: Found | undefined,
    answered: boolean,
    again: boolean,
  ): Promise<Entry | undefined> {
    const { claims, coherence, recorder } = this.parts;
    const { options } = this.call;
    const { entry, lease } = await claims.one({ fence: flight.fence, over }, options);
    if (entry !== undefined) {
      if (!answered) recorder.coalesced(flight.key);
      return entry;
    }
    if (lease === undefined && !again && !coherence.fences.admits(flight.fence, options.tags)) {
      return this.#startOver(flight.key, answered);
    }
    if (!answered) recorder.miss();
    return this.#load(flight, lease);
  }

  /** The key was invalidated before its load began: joins whoever looks for it now, or looks for it anew. */
  #startOver(key: string, answered: boolean): Promise<Entry | undefined> {
    const { flights, recorder } = this.parts;
    const newer = flights.joinable(key);
    if (newer !== undefined) {
      if (!answered) recorder.coalesced(key);
      return newer.result;
    }
    const { tags } = this.call.options;
    return flights.start(key, tags, (flight) => this.#claim(flight, undefined, answered, true)).result;
  }

  async #load(flight: Flight, lease: Lease | undefined): Promise<Entry | undefined> {
    const { loader, chain, staleness } = this.parts;
    const { key, load, options } = this.call;
    const stale = staleness.usable(flight)?.entry;
    let fill: Fill | undefined;
    try {
      const loaded = await loader.one(key, load, flight.fence, lease, stale, options);
      fill = loaded?.fill;
      staleness.loaded(flight.key);
      if (fill !== undefined) await chain.store([fill], options);
      return loaded?.entry;
    } catch (error) {
      staleness.failed(flight, error);
      throw error;
    } finally {
      if (lease !== undefined && fill === undefined) chain.release(lease);
    }
  }
}
