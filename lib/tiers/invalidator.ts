import type { Coherence } from '../coherence/coherence.js';
import type { ClockReading, RawMessage } from '../coherence/feed.js';
import { EVERYTHING, type Invalidation, matchesPattern } from '../coherence/invalidation.js';
import type { Message } from '../coherence/message.js';
import type { InvalidationKind } from '../observability/coherence-recorder.js';
import type { Recorder } from '../observability/recorder.js';
import { type Clock, outlasts } from '../primitives/clock.js';
import { CacheStoreError } from '../primitives/errors.js';
import type { MemoryTier } from './memory-tier.js';
import { Outbox } from './outbox.js';
import type { Removal, RemoteTier } from './remote-tier.js';

/** What an invalidation made of the memory of this process. */
export interface Applied {
  /** For each key whether memory had it. */
  readonly present: readonly boolean[];
  /** How many entries were dropped; `undefined` when some became unusable without being looked at. */
  readonly dropped: number | undefined;
}

/** How long closing waits for what Redis is being told, in milliseconds: for a pattern it looks at many keys. */
const LONGEST_END = 5_000;

/** Carries out invalidations: those that originate here, and those that were heard of. */
export class Invalidator {
  readonly outbox: Outbox;
  /** What Redis is being told at this moment. */
  readonly #telling = new Set<Promise<unknown>>();

  constructor(
    private readonly memory: MemoryTier | undefined,
    private readonly remote: RemoteTier | undefined,
    private readonly coherence: Coherence,
    /** Told when Redis numbers by another epoch than the one known here, or gives a number that was given before. */
    private readonly onForeignNumber: (reason: 'epoch' | 'lost') => void,
    private readonly recorder: Recorder,
    private readonly time: Clock,
  ) {
    const send = async (invalidation: Invalidation): Promise<void> => void (await this.#send(invalidation));
    this.outbox = new Outbox(send, time, recorder);
  }

  /**
   * Carries out an invalidation that originates here. Memory and work in progress are dealt with before the remote tier is
   * asked, so that nobody is served from memory meanwhile, and again afterwards, for what was read from the remote tier
   * while it was being asked.
   * @param strict whether to reject when the remote tier could not be told
   * @returns the number of keys that were there, when keys were named
   * @throws CacheStoreError if `strict`; this process is up to date all the same, and the others will be
   */
  async invalidate(invalidation: Invalidation, strict: boolean): Promise<number> {
    const { present, dropped } = this.apply(invalidation);
    let removed: readonly boolean[] = [];
    let clock: number | undefined;
    try {
      const told = await this.#tell(invalidation, strict);
      removed = told?.removed ?? removed;
      clock = told?.reading.clock;
    } finally {
      // Without a remote tier nothing can have come in between.
      if (this.remote !== undefined) this.apply(invalidation);
      this.recorder.invalidated(kindOf(invalidation), namesOf(invalidation), clock, dropped);
    }
    return invalidation.keys.filter((_, i) => present[i] === true || removed[i] === true).length;
  }

  /**
   * Lets the remote tier replace what `invalidation` names, and announce it.
   * @param write `undefined` without a remote tier
   * @throws CacheStoreError if `strict` and that was not possible
   */
  async replace(
    invalidation: Invalidation,
    write: (() => Promise<ClockReading>) | undefined,
    strict: boolean,
  ): Promise<void> {
    let clock: number | undefined;
    try {
      if (write === undefined) return;
      clock = await this.#attempt(invalidation, strict, async () => {
        const { seen } = this.coherence.shared;
        return this.#noted(await write(), invalidation, seen).clock;
      });
    } finally {
      this.recorder.invalidated('set', invalidation.keys, clock, undefined);
    }
  }

  /** Carries out an invalidation that some instance has announced. */
  hear({ origin, invalidation }: Message, { clock, sentAt }: RawMessage): void {
    // What originated here was applied when it did, and has been replaced since, if it was a set.
    if (origin === this.recorder.coherence.instance) return;
    const { dropped } = this.apply(invalidation);
    const lag = Math.max(0, (this.remote?.now() ?? sentAt) - sentAt);
    const kind = kindOf(invalidation);
    this.recorder.coherence.heard(kind, namesOf(invalidation), origin, clock, dropped, lag);
  }

  /**
   * To be called when nothing more will originate here: waits for what does so now, and tries once more to tell the rest.
   * @returns how many keys, tags, prefixes and patterns Redis was not told of
   */
  async close(): Promise<number> {
    await outlasts(Promise.allSettled(this.#telling), LONGEST_END, this.time);
    return this.outbox.close();
  }

  /** Makes everything that this process has, or is about to have, unusable. */
  forget(): void {
    this.apply(EVERYTHING);
  }

  /** Makes memory and work in progress forget what the invalidation names. */
  apply(invalidation: Invalidation): Applied {
    this.coherence.apply(invalidation);
    const { memory } = this;
    if (memory === undefined) return { present: [], dropped: 0 };
    const { keys, tags, prefixes, patterns } = invalidation;
    const present = keys.map((key) => memory.delete(key));
    let dropped = present.filter(Boolean).length;
    for (const pattern of patterns) dropped += memory.deleteMatching((key) => matchesPattern(pattern, key));
    if (prefixes.includes('')) return { present, dropped: dropped + memory.clear() };
    if (tags.length + prefixes.length === 0) return { present, dropped };
    // They are unusable by a number that has moved, without being looked at. Counting them is for who listens.
    const unusable = this.recorder.isWatched ? memory.dropInvalid() : undefined;
    return { present, dropped: unusable === undefined ? undefined : dropped + unusable };
  }

  #tell(invalidation: Invalidation, strict: boolean): Promise<Removal | undefined> {
    return this.#attempt(invalidation, strict, () => this.#send(invalidation));
  }

  /** What cannot be told now is told later; whoever is strict hears of it. */
  async #attempt<T>(
    invalidation: Invalidation,
    strict: boolean,
    tell: () => Promise<T>,
  ): Promise<T | undefined> {
    // Redis is in trouble: only those who want to know wait for it.
    if (this.outbox.failing && !strict) {
      this.outbox.put(invalidation);
      return undefined;
    }
    const told = tell();
    this.#telling.add(told);
    try {
      return await told;
    } catch (error) {
      this.recorder.redisFailed(error);
      this.outbox.put(invalidation);
      if (!strict) return undefined;
      throw new CacheStoreError(
        'Redis could not be told of this now. This process does not serve the older value; other instances may, until Redis can be told, which is tried until it succeeds',
        { cause: error, trouble: error instanceof CacheStoreError ? error.trouble : undefined },
      );
    } finally {
      this.#telling.delete(told);
    }
  }

  async #send(invalidation: Invalidation): Promise<Removal | undefined> {
    if (this.remote === undefined) return undefined;
    const { seen } = this.coherence.shared;
    const { removed, reading } = await this.remote.invalidate(invalidation);
    return { removed, reading: this.#noted(reading, invalidation, seen) };
  }

  /** @param seen what was known before Redis was told: what it numbers afterwards is later, unless it has lost something */
  #noted(reading: ClockReading, invalidation: Invalidation, seen: ClockReading | undefined): ClockReading {
    if (!this.coherence.shared.note(reading, invalidation)) this.onForeignNumber('epoch');
    else if (seen?.epoch === reading.epoch && reading.clock <= seen.clock) this.onForeignNumber('lost');
    return reading;
  }
}

/** What an invalidation consists of, for whoever watches. */
export function kindOf({ keys, tags, prefixes, patterns }: Invalidation): InvalidationKind {
  const kinds: InvalidationKind[] = [];
  if (keys.length > 0) kinds.push('keys');
  if (tags.length > 0) kinds.push('tags');
  if (prefixes.length > 0) kinds.push('prefix');
  if (patterns.length > 0) kinds.push('pattern');
  return kinds.length === 1 ? kinds[0]! : 'several';
}

/** What an invalidation names, for whoever watches. */
export function namesOf({ keys, tags, prefixes, patterns }: Invalidation): readonly string[] {
  if (tags.length + prefixes.length + patterns.length === 0) return keys;
  return [
    ...keys,
    ...tags,
    ...prefixes.map((prefix) => `${prefix}*`),
    ...patterns.map(({ view, glob }) => view + glob.source),
  ];
}
