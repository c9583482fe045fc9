import { Observable, type Subscriber, type Subscription } from 'rxjs';

import type { Clock } from '../primitives/clock.js';

/** More emissions than this are a stream, which is not kept. */
const MOST_EMISSIONS = 1_000;

/**
 * How long after its first emission a reply may take to complete, in milliseconds. What goes on for longer is a stream, whose
 * reader wants each emission when it comes.
 */
const PATIENCE = 1_000;

/** One run of a handler: what it emits is held back until it is over, or is clear to be a stream. */
export class HandlerRun {
  /** All so far; what was handed over is not kept. */
  readonly emissions: unknown[] = [];
  /** Resolves with whether it has ended; otherwise it goes on, and `reply` has to be read or the run abandoned. */
  readonly whole: Promise<boolean>;
  /** Set when it has failed. */
  failure: { readonly error: unknown } | undefined;
  #ended = false;
  #reader: Subscriber<unknown> | undefined;
  #decide!: (whole: boolean) => void;
  #stopTimer: (() => void) | undefined;
  readonly #subscription: Subscription;

  constructor(
    source: Observable<unknown>,
    private readonly time: Pick<Clock, 'after'>,
  ) {
    this.whole = new Promise((resolve) => (this.#decide = resolve));
    this.#subscription = source.subscribe({
      next: (value) => this.#emit(value),
      error: (error: unknown) => this.#end({ error }),
      complete: () => this.#end(undefined),
    });
  }

  /** What it has emitted and will emit, for one reader, who stops it when he leaves. */
  readonly reply = new Observable<unknown>((reader) => {
    for (const value of this.emissions) reader.next(value);
    if (this.#ended) this.#finish(reader);
    else this.emissions.length = 0;
    this.#reader = reader;
    return () => this.abandon();
  });

  /** Stops it: nobody wants its reply. */
  abandon(): void {
    this.#stopTimer?.();
    this.#subscription.unsubscribe();
    this.#decide(false);
  }

  #emit(value: unknown): void {
    if (this.#reader !== undefined) return this.#reader.next(value);
    this.emissions.push(value);
    if (this.emissions.length > MOST_EMISSIONS) this.#decide(false);
    else this.#stopTimer ??= this.time.after(PATIENCE, () => this.#decide(false));
  }

  #end(failure: { readonly error: unknown } | undefined): void {
    this.#stopTimer?.();
    this.#ended = true;
    this.failure = failure;
    if (this.#reader !== undefined) this.#finish(this.#reader);
    this.#decide(true);
  }

  #finish(reader: Subscriber<unknown>): void {
    if (this.failure === undefined) reader.complete();
    else reader.error(this.failure.error);
  }
}
