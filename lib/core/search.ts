import type { Entry } from '../tiers/entry.js';
import type { Fill } from '../tiers/filler.js';
import type { Lease } from '../tiers/leases.js';
import type { Found } from '../tiers/remote-entries.js';
import { isNewer } from '../tiers/tier-chain.js';
import { Abandoned, type Flight } from './flights.js';
import { loadTimedOut, type Right } from './loader.js';
import type { LoadCall, ReadParts } from './read-through.js';

/**
 * How one flight finds a key's value: remote tier → lease → loader → fill. What it comes across that has expired it offers to
 * its callers and goes on.
 */
export class Search {
  /** Whether the read it is for has been counted, as a hit, a miss or a read that shared what others found. */
  #counted: boolean;
  /** Set once its caller was told to make do with something else, and had nothing else: then it loads whatever has failed. */
  #insists = false;

  /** @param replaces what is to be refreshed; without it a caller waits, and it counts as a read */
  constructor(
    private readonly parts: ReadParts,
    private readonly call: LoadCall,
    private readonly replaces?: Entry,
  ) {
    this.#counted = replaces !== undefined;
  }

  /** @returns a fresh entry; `undefined` when the loader had nothing */
  async run(flight: Flight): Promise<Entry | undefined> {
    try {
      const entry = await this.#find(flight);
      this.shared(flight.key);
      return entry;
    } catch (error) {
      if (!(error instanceof Abandoned)) this.shared(flight.key);
      throw error;
    }
  }

  /** To be called when a flight of it was {@link Abandoned}, and its caller has nothing else. */
  insist(): void {
    this.#insists = true;
  }

  /** The read shares what somebody else has found, unless it was counted before. */
  shared(key: string): void {
    if (this.#counts()) this.parts.recorder.coalesced(key);
  }

  /** Each read is counted once, whatever becomes of it. */
  #counts(): boolean {
    const counts = !this.#counted;
    this.#counted = true;
    return counts;
  }

  async #find(flight: Flight): Promise<Entry | undefined> {
    const { chain } = this.parts;
    const { options } = this.call;
    const held = options.memory ? chain.memory?.reserve(flight.key) : undefined;
    if (held !== undefined) flight.offer(held, 'memory');
    if (!chain.asksRemote(options)) return this.#withoutRemote(flight);
    const found = await chain.fetchOne(flight.key, flight.fence, options);
    if (found !== undefined && this.#isGoodEnough(found)) {
      if (this.#counts()) this.parts.recorder.redisHit(flight.key);
      // Nobody is to be served an older one in its place.
      if (held !== undefined) flight.offer(found.entry, 'redis');
      return found.entry;
    }
    if (found !== undefined) flight.offer(found.entry, 'redis');
    const answered = this.#answer(flight, found);
    flight.lookedUp();
    this.#refuseToHammer(flight);
    return this.#claim(flight, found, answered, false);
  }

  /** Loads at once, so that a loader which asks for its own key is found out. */
  async #withoutRemote(flight: Flight): Promise<Entry | undefined> {
    flight.lookedUp();
    if (this.#counts()) this.parts.recorder.miss();
    this.#refuseToHammer(flight);
    const right = { fence: flight.fence, lease: undefined, limit: this.#timeLeft(flight, 0) };
    return this.#load(flight, right, undefined, this.replaces !== undefined);
  }

  /** A refresh wants another one than it is to replace, be it from another process. */
  #isGoodEnough({ entry, fresh }: Found): boolean {
    return fresh > 0 && (this.replaces === undefined || isNewer(entry, this.replaces));
  }

  /** Counts what the remote tier had. @returns whether nobody waits for more than that */
  #answer(flight: Flight, found: Found | undefined): boolean {
    if (this.replaces !== undefined) return true;
    const { recorder, staleness } = this.parts;
    const reason = this.#insists
      ? undefined
      : found && staleness.early(flight.key, found.entry, this.call.options);
    if (reason === undefined) recorder.redisMiss(flight.key);
    else if (this.#counts()) recorder.staleHit('redis', true);
    return reason !== undefined;
  }

  /** Ends the flight if the last load failed a moment ago and its caller has something else. */
  #refuseToHammer(flight: Flight): void {
    if (!this.#insists && this.parts.staleness.refusesToLoad(flight, this.call.options))
      throw new Abandoned();
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
    const { entry, lease, held, waited } = await claims.one({ fence: flight.fence, over }, options);
    if (entry !== undefined) return entry;
    if (lease === undefined && !again && !coherence.fences.admits(flight.fence, options.tags)) {
      return this.#startOver(flight.key, answered);
    }
    // Nobody waits, and somebody loads it.
    if (answered && held) throw new Abandoned();
    if (this.#counts()) recorder.miss();
    const right = { fence: flight.fence, lease, limit: this.#timeLeft(flight, waited, lease) };
    return this.#load(flight, right, over, answered);
  }

  /** What another process took of the time that a load may take. @throws CacheLoadTimeoutError when that was all */
  #timeLeft({ key }: Flight, waited: number, lease?: Lease): number | undefined {
    const { hardTimeout } = this.call.options.policy;
    if (hardTimeout === undefined || waited < hardTimeout) return hardTimeout && hardTimeout - waited;
    if (lease !== undefined) this.parts.chain.release(lease);
    throw loadTimedOut(key, hardTimeout);
  }

  /** The key was invalidated before its load began: joins whoever looks for it now, or looks for it anew. */
  async #startOver(key: string, answered: boolean): Promise<Entry | undefined> {
    const { flights } = this.parts;
    for (let newer = flights.joinable(key); newer !== undefined; newer = flights.joinable(key)) {
      const entry = await newer.result.catch((error: unknown) => {
        if (!(error instanceof Abandoned)) throw error;
        return undefined;
      });
      // A batch may have left the key out, or a refresh may have been given up.
      if (entry === undefined && (newer.ofBatch || newer.refreshes)) continue;
      return entry;
    }
    const { tags } = this.call.options;
    return flights.start(key, tags, (flight) => this.#claim(flight, undefined, answered, true)).result;
  }

  async #load(
    flight: Flight,
    right: Right,
    over: Found | undefined,
    answered: boolean,
  ): Promise<Entry | undefined> {
    const { loader, chain, staleness, background } = this.parts;
    const { key, load, options } = this.call;
    const stale = (): Entry | undefined => staleness.usable(flight)?.entry;
    let fill: Fill | undefined;
    try {
      if (answered) background.checkOpen();
      const loaded = await loader.one(key, load, { ...right, background: answered }, stale, options);
      fill = loaded?.fill;
      staleness.loaded(flight.key);
      if (fill !== undefined) await chain.store([fill], options);
      else dropOld(this.parts, flight, over);
      return loaded?.entry;
    } catch (error) {
      staleness.failed(flight);
      throw error;
    } finally {
      if (right.lease !== undefined && fill === undefined) chain.release(right.lease);
    }
  }
}

/** The origin has nothing, or nothing to be kept: what was there before is wrong from now on. */
export function dropOld(
  { chain, coherence }: Pick<ReadParts, 'chain' | 'coherence'>,
  { key, fence, reserve }: Flight,
  over: Found | undefined,
): void {
  if (reserve !== undefined && coherence.fences.admits(fence, reserve.entry.tags)) {
    chain.forget(key, reserve.entry, over);
  }
}
