import { CacheStoreError } from '../../primitives/errors.js';
import type { Invalidation } from '../../coherence/invalidation.js';
import type { Bookkeeping } from './bookkeeping.js';
import { join } from './changes.js';
import type { Write } from './issue.js';

/** The place of a key that is not read, since nothing can be answered in time. */
const NOWHERE = -1;

/**
 * One tick's commands for one node of Redis: collected, sent together, answered together.
 *
 * Callers keep an index and await `done` or `prompt`, which they share and which never reject. So a read costs a place in an array
 * and no promise, closure or record of its own; that is what makes a batched read cheaper than a GET.
 *
 * Writes go out in the order of the calls, and all of them before the reads: a read sees every write called before it,
 * and perhaps one called after it. What is to be announced comes after all writes, as one announcement: whoever hears of it
 * finds them done.
 */
export class Lane {
  /** Resolves once every command is answered or given up. */
  readonly done: Promise<void>;
  /** Resolves with `done`, or earlier when what loads wait for, reads and claims, is given up. */
  readonly prompt: Promise<void>;
  readonly writes: Write[] = [];
  /** Keys to be read, each once. */
  reads: string[] = [];
  /** When the lane is given up, by the process' monotonic clock. */
  deadline = Infinity;
  /** When its reads and claims are given up. */
  promptBy = Infinity;
  /** Whether it was looked at since it was sent, and the bytes that had come over its connection by then. */
  lookedAt = false;
  receivedBefore: number | undefined;
  /** Where each key stands in `reads`, once a second call reads. */
  #places: Map<string, number> | undefined;
  /** By place in `reads` and `writes`; `undefined` is one not answered yet. */
  #values: (Buffer | null | Error | undefined)[] = [];
  readonly #results: unknown[] = [];
  #announcements: Invalidation[] | undefined;
  /** Where the announcements are among the writes, once there are any. */
  #announcedAt: number[] = [];
  /** Whether there is an error among the values: only then does each of them need to be looked at. */
  #failed = false;
  #over = false;
  /** Why reads and claims were given up, once they were. */
  #late: CacheStoreError | undefined;
  #resolve!: () => void;
  #resolvePrompt!: () => void;

  constructor() {
    this.done = new Promise((resolve) => (this.#resolve = resolve));
    this.prompt = new Promise((resolve) => (this.#resolvePrompt = resolve));
  }

  /** Whether every command is answered or given up. Then nothing may be added, and what arrives is of no interest. */
  get over(): boolean {
    return this.#over;
  }

  /** Why reads and claims were given up, or are not to be sent at all. */
  get late(): CacheStoreError | undefined {
    return this.#late;
  }

  /** Gives up reads and claims that are not answered. What is answered later is of no interest; writes are waited for. */
  hurry(error: CacheStoreError): void {
    this.#late = error;
    this.#resolvePrompt();
  }

  /** @returns the place of the key's value, for {@link value} */
  read(key: string): number {
    const { reads } = this;
    if (this.#late !== undefined) return NOWHERE;
    if (reads.length === 0) return reads.push(key) - 1;
    const places = (this.#places ??= new Map(reads.map((known, place) => [known, place])));
    const known = places.get(key);
    if (known !== undefined) return known;
    const place = reads.push(key) - 1;
    places.set(key, place);
    return place;
  }

  /** @returns the places of the keys' values; `undefined` if they are 0, 1, 2 and so on */
  readAll(keys: readonly string[]): number[] | undefined {
    if (this.#late !== undefined) return keys.map(() => NOWHERE);
    if (this.reads.length > 0 || new Set(keys).size < keys.length) return keys.map((key) => this.read(key));
    this.reads = [...keys];
    return undefined;
  }

  /** @returns the place of the result, for {@link result}: values that are stored by one command share it */
  write(write: Write): number {
    const { writes } = this;
    return join(writes.at(-1), write) ? writes.length - 1 : writes.push(write) - 1;
  }

  announce(invalidation: Invalidation): void {
    (this.#announcements ??= []).push(invalidation);
  }

  /**
   * Makes one write of all announcements, or a few if it would be a huge one. To be called when nothing can be added any
   * more, before the lane is sent.
   */
  seal(bookkeeping: Bookkeeping): void {
    if (this.#announcements === undefined) return;
    const writes = bookkeeping.announcements(this.#announcements);
    this.#announcedAt = writes.map((write) => this.write(write));
  }

  /** What Redis answered to the last announcement, once `done`. @throws CacheStoreError when one of them failed */
  get announced(): unknown {
    return this.#announcedAt.map((place) => this.result(place)).at(-1);
  }

  /** What a read found, once `prompt`. Readers of one key share the Buffer. @throws CacheStoreError when it failed */
  value(place: number): Buffer | undefined {
    const value = this.#values[place];
    if (value === null) return undefined;
    if (this.#failed && value instanceof Error) throw value;
    if (value === undefined) throw this.#late ?? unanswered();
    return value as Buffer;
  }

  /** What Redis answered to a write, once `done`, or to a claim, once `prompt`. @throws CacheStoreError when it failed */
  result(place: number): unknown {
    const result = this.#results[place];
    if (result instanceof Error) throw result;
    if (result === undefined) throw this.#late ?? unanswered();
    return result;
  }

  /** Whether a write was answered already, and not with an error. */
  isAccepted(place: number): boolean {
    const result = this.#results[place];
    return result !== undefined && !(result instanceof Error);
  }

  answerRead(place: number, value: Buffer | null | Error): void {
    if (this.#over) return;
    this.#values[place] = value;
    if (value instanceof Error) this.#failed = true;
  }

  /** Answers all reads at once, in their order. */
  answerReads(values: (Buffer | null)[]): void {
    if (!this.#over) this.#values = values;
  }

  answerWrite(place: number, result: unknown): void {
    if (!this.#over) this.#results[place] = result;
  }

  /** Lets the callers go on. Whatever is not answered yet fails with `error`. */
  finish(error?: CacheStoreError): void {
    if (this.#over) return;
    // Given up before it was sent: nothing will be announced.
    if (this.#announcements !== undefined && this.#announcedAt.length === 0) {
      this.#announcedAt = [this.writes.length];
      this.#results[this.writes.length] = error ?? unanswered();
    }
    for (let place = 0; place < this.reads.length; place++) {
      if (this.#values[place] === undefined) this.answerRead(place, error ?? unanswered());
    }
    for (let place = 0; place < this.writes.length; place++) {
      if (this.#results[place] === undefined) this.answerWrite(place, error ?? unanswered());
    }
    this.#over = true;
    this.#resolve();
    this.#resolvePrompt();
  }
}

/** Every command gets an answer or an error from ioredis: this would be a mistake, and must not pass for a miss. */
function unanswered(): CacheStoreError {
  return new CacheStoreError('Redis sent fewer replies than there were commands');
}
