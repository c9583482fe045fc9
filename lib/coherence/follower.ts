import type { Clock } from '../primitives/clock.js';
import type { Feed, Poll, RawMessage, Snapshot } from './feed.js';
import { decodeMessage, type Message } from './message.js';
import { ResyncPauses } from './resync-pauses.js';
import type { SharedClock } from './shared-clock.js';
import type { Trust } from './trust.js';

/** Why this process had to forget what it knew. */
export type ResyncReason =
  /** The first time it hears of Redis. */
  | 'start'
  /** Messages are missing. */
  | 'gap'
  /** The clock in Redis is gone, or was made anew. */
  | 'epoch'
  /** Redis does not know of invalidations that it has numbered: a replica that lacked them has taken over. */
  | 'lost'
  /** A message that this version of the library cannot read. */
  | 'unreadable';

export interface FollowerHooks {
  /** An invalidation that another instance, or this one, has announced. */
  heard(message: Message, raw: RawMessage): void;
  /** Whether this instance has announced it. */
  isOwn(message: Message): boolean;
  /** What is known may not be all. */
  doubted(reason: ResyncReason): void;
  /** Everything judged by what was known has to be forgotten. Called when that is found out, and when it is known anew. */
  forget(): void;
  /** What is known is Redis' own again. */
  resynced(reason: ResyncReason, snapshot: Snapshot): void;
  /** Redis did not answer, or not as expected. `joining` says that until it does nothing in it can be used. */
  failed(error: unknown, joining: boolean): void;
  /** For longer than `maxStaleness` nothing was heard, or now it is again. */
  contact(kept: boolean): void;
}

/** How often it says that it is there when there is nothing to say, in milliseconds; see {@link heartbeatOf}. */
const LONGEST_HEARTBEAT = 1_000;
/** Pauses between failed attempts, in milliseconds. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 500;

/** Four answers fit into the time after which silence costs hits. */
export function heartbeatOf(maxStaleness: number): number {
  return Math.max(10, Math.min(LONGEST_HEARTBEAT, Math.floor(maxStaleness / 4)));
}

/**
 * Follows what other instances announce. Every clock value is one message: one that is missing is noticed, whatever made it
 * get lost, and then this process knows nothing until it has read all slots anew.
 */
export class Follower {
  readonly #heartbeat: number;
  readonly #resyncs: ResyncPauses;
  #stopped = false;
  readonly #pauses = new Set<() => void>();
  #running: Promise<void> | undefined;
  #joining: Promise<void> | undefined;
  #reason: ResyncReason = 'start';
  /** Tells answers to questions that were asked before the last {@link doubt} or join. */
  #generation = 0;
  #inContact = true;

  constructor(
    private readonly feed: Feed,
    private readonly shared: SharedClock,
    private readonly trust: Trust,
    private readonly time: Clock,
    private readonly hooks: FollowerHooks,
  ) {
    this.#heartbeat = heartbeatOf(trust.maxStaleness);
    this.#resyncs = new ResyncPauses(time, this.#heartbeat);
  }

  /** Begins to follow. Resolves when Redis was heard of, or when the first attempt has failed. */
  async start(): Promise<void> {
    const first = this.#join().catch((error: unknown) => this.#failed(error));
    this.#running = first.then(() => this.#follow());
    await first;
  }

  /** Whether others were heard of within `maxStaleness`. */
  get inContact(): boolean {
    return this.time.now() <= this.trust.until;
  }

  /** Milliseconds for which nothing was heard; `undefined` if nothing ever was. */
  get sinceContact(): number | undefined {
    const { until, maxStaleness } = this.trust;
    return until === -Infinity ? undefined : this.time.now() - (until - maxStaleness);
  }

  /** To be called before the connections are closed. */
  stop(): void {
    this.#stopped = true;
    for (const wake of this.#pauses) wake();
  }

  /** Resolves when nothing of it is under way any more. */
  async stopped(): Promise<void> {
    await this.#running;
  }

  /** What this process knows is not what Redis has: it forgets it at once, and asks anew, see {@link ResyncPauses}. */
  doubt(reason: ResyncReason): void {
    if (!this.shared.ready) return;
    this.#reason = reason;
    this.#generation++;
    this.#resyncs.troubled();
    this.shared.forget();
    this.hooks.doubted(reason);
    this.hooks.forget();
    if (!this.#stopped) void this.#join().catch((error: unknown) => this.#failed(error));
  }

  async #follow(): Promise<void> {
    let pause = FIRST_PAUSE;
    while (!this.#stopped) {
      try {
        if (this.shared.ready) await this.#listen();
        else await this.#join();
        pause = FIRST_PAUSE;
      } catch (error) {
        if (this.#stopped) return;
        this.#failed(error);
        await this.#pause(pause);
        pause = Math.min(pause * 2, LONGEST_PAUSE);
      }
      this.#noteContact();
    }
  }

  /** Ends early when this is stopped: whoever closes would wait for a timer that does not keep the process alive. */
  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#pauses.delete(wake);
        resolve();
      };
      this.#pauses.add(wake);
      void this.time.wait(milliseconds).then(wake);
    });
  }

  #join(): Promise<void> {
    return (this.#joining ??= this.#adopt().finally(() => (this.#joining = undefined)));
  }

  async #adopt(): Promise<void> {
    const { left } = this.#resyncs;
    if (left > 0) await this.#pause(left);
    if (this.#stopped) return;
    const asked = this.time.now();
    const snapshot = await this.feed.join(this.shared.seen, this.#reason === 'lost');
    if (this.#stopped) return;
    this.#generation++;
    const lost = this.shared.adopt(snapshot);
    // What began before was not watched over.
    this.hooks.forget();
    this.trust.heardUpTo(asked);
    this.#resyncs.resynced();
    this.hooks.resynced(this.#reason, snapshot);
    if (lost) this.doubt('lost');
  }

  async #listen(): Promise<void> {
    const generation = this.#generation;
    const { known } = this.shared;
    const asked = this.time.now();
    const poll = await this.feed.poll(this.shared.applied, this.#heartbeat);
    if (generation !== this.#generation || this.#stopped) return;
    const trouble = this.#digest(poll, known);
    if (trouble !== undefined) this.doubt(trouble);
    // As long as there is more, it is not known how old the last message is.
    else if (!poll.more) this.trust.heardUpTo(asked);
  }

  /** @param known what was known before the question was sent; what is in Redis by the answer cannot be less */
  #digest({ reading, messages, more }: Poll, known: number): ResyncReason | undefined {
    const { shared } = this;
    if (reading === undefined || reading.epoch !== shared.epoch) return 'epoch';
    if (reading.clock < known || !shared.agrees(reading)) return 'lost';
    for (const raw of messages) {
      if (raw.epoch !== shared.epoch) return 'epoch';
      if (raw.clock <= shared.applied) continue;
      if (raw.clock !== shared.applied + 1) return 'gap';
      if (Number.isNaN(raw.tip) || Number.isNaN(raw.before)) return 'unreadable';
      // What follows on may still be another one than this instance was told had this number.
      if (!shared.follows(raw.before) || !shared.agrees(raw)) return 'lost';
      const message = decodeMessage(raw);
      if (message === undefined) return 'unreadable';
      if (shared.awaits(raw.clock) && !this.hooks.isOwn(message)) return 'lost';
      shared.note({ epoch: raw.epoch, clock: raw.clock }, message.invalidation);
      shared.arrived(raw);
      this.hooks.heard(message, raw);
    }
    return !more && shared.applied < reading.clock ? 'gap' : undefined;
  }

  #failed(error: unknown): void {
    if (!this.#stopped) this.hooks.failed(error, !this.shared.ready);
  }

  #noteContact(): void {
    const { inContact } = this;
    if (inContact === this.#inContact) return;
    this.#inContact = inContact;
    this.hooks.contact(inContact);
  }
}
