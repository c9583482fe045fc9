import type { Entry } from '../tiers/entry.js';
import type { Lease } from '../tiers/leases.js';
import type { Found } from '../tiers/remote-entries.js';
import { type Claimed, type Ended, type Held, NOTHING } from './claims.js';
import type { Flight } from './flights.js';
import type { ResolvedOptions } from './resolve-options.js';
import { BatchLoad } from './load-context.js';
import type { NamedKey } from './named-key.js';
import type { ReadParts } from './read-through.js';
import { dropOld } from './search.js';

export type LoadMissing = (missing: string[], context: BatchLoad) => unknown;

export interface MissingKey {
  readonly key: NamedKey;
  readonly flight: Flight;
  /** What is there and is to be replaced. */
  readonly over: Found | undefined;
}

/**
 * Loads what no tier has, with one call of the loader for all keys that no other process is loading. Those that another
 * process is loading are waited for; those for which that comes to nothing are loaded by further calls.
 */
export class LeasedBatch {
  constructor(
    private readonly parts: Pick<
      ReadParts,
      'chain' | 'claims' | 'coherence' | 'loader' | 'staleness' | 'background' | 'recorder'
    >,
    private readonly loadMissing: LoadMissing,
    private readonly options: ResolvedOptions,
    /** Whether a caller waits for it. */
    private readonly awaited: boolean,
    /** The keys that somebody reads, as long as that has not been counted. */
    private readonly uncounted: Set<string>,
  ) {}

  /** @returns for each key its entry, or `undefined` if the loader has none */
  async load(missing: readonly MissingKey[]): Promise<(Entry | undefined)[]> {
    if (!this.parts.chain.asksRemote(this.options)) {
      return this.#settle(
        missing,
        Array.from(missing, () => NOTHING),
      );
    }
    const wanted = missing.map(({ flight: { fence }, over }) => ({ fence, over }));
    const first = await this.parts.claims.several(wanted, this.options);
    const waiting = missing.filter((_, i) => 'by' in first[i]!);
    const own = missing.filter((_, i) => !('by' in first[i]!));
    const held = first.filter((one): one is Held => 'by' in one);
    const parts = [
      this.#settle(
        own,
        first.filter((one): one is Claimed => !('by' in one)),
      ),
      this.#await(waiting, held),
    ] as const;
    // Both are waited for, so that the failure of one leaves no work behind unseen.
    const [loaded, awaited] = await Promise.allSettled(parts);
    if (loaded.status === 'rejected') throw loaded.reason;
    if (awaited.status === 'rejected') throw awaited.reason;
    const entries = new Map(own.map((one, i) => [one, loaded.value[i]]));
    waiting.forEach((one, i) => entries.set(one, awaited.value[i]));
    return missing.map((one) => entries.get(one));
  }

  async #await(waiting: readonly MissingKey[], held: readonly Held[]): Promise<(Entry | undefined)[]> {
    const fences = waiting.map(({ flight }) => flight.fence);
    const entries: (Entry | undefined)[] = [];
    const settle = async (ended: readonly Ended[]): Promise<void> => {
      const keys = ended.map(({ i }) => waiting[i]!);
      const settled = await this.#settle(keys, ended.map(({ claimed }) => claimed)); // prettier-ignore
      ended.forEach(({ i }, at) => (entries[i] = settled[at]));
    };
    const rounds: Promise<void>[] = [];
    await this.parts.claims.await(fences, held, this.options, (ended) => {
      const round = settle(ended);
      // A failure is thrown when all waits have ended.
      round.catch(() => {});
      rounds.push(round);
    });
    for (const round of await Promise.allSettled(rounds)) if (round.status === 'rejected') throw round.reason;
    return entries;
  }

  /** Takes the entries that others have loaded, and loads the rest. */
  async #settle(keys: readonly MissingKey[], claimed: readonly Claimed[]): Promise<(Entry | undefined)[]> {
    const entries = claimed.map(({ entry }) => entry);
    const open = keys.map((_, i) => i).filter((i) => entries[i] === undefined);
    if (open.length === 0) return entries;
    const loaded = await this.#load(
      open.map((i) => keys[i]!),
      open.map((i) => claimed[i]!.lease),
    );
    open.forEach((i, at) => (entries[i] = loaded[at]));
    return entries;
  }

  async #load(
    keys: readonly MissingKey[],
    leases: readonly (Lease | undefined)[],
  ): Promise<(Entry | undefined)[]> {
    const wanted = keys.filter(({ key }) => this.uncounted.delete(key.stored));
    for (let i = 0; i < wanted.length; i++) this.parts.recorder.miss();
    const names = keys.map(({ key }) => key.key);
    const limit = this.options.policy.hardTimeout;
    const rights = keys.map(({ flight: { fence } }, i) => ({ fence, lease: leases[i], limit }));
    const context = new BatchLoad(names);
    const unused = new Set(leases);
    try {
      if (!this.awaited) this.parts.background.checkOpen();
      const load = (): unknown => this.loadMissing([...names], context);
      const loaded = await this.parts.loader.batch(names, load, context, rights, this.options);
      const fills = loaded.flatMap((one) => (one?.fill === undefined ? [] : [one.fill]));
      for (const { lease } of fills) unused.delete(lease);
      for (const { key } of keys) this.parts.staleness.loaded(key.stored);
      keys.forEach(({ flight, over }, i) => {
        if (loaded[i]?.fill === undefined) dropOld(this.parts, flight, over);
      });
      await this.parts.chain.store(fills, this.options);
      return loaded.map((one) => one?.entry);
    } catch (error) {
      for (const { flight } of keys) this.parts.staleness.failed(flight);
      throw error;
    } finally {
      for (const lease of unused) if (lease !== undefined) this.parts.chain.release(lease);
    }
  }
}
