import type { BreakerState } from '../observability/breaker-recorder.js';
import type { Clock } from '../primitives/clock.js';

/** How far back calls count, in milliseconds, and at most how many of them: under load the latest say how things are. */
export const WINDOW = 10_000;
export const WINDOW_CALLS = 100;
/** So many failures open a breaker … */
export const LEAST_FAILURES = 5;
/** … if they are this part of the calls that count. */
export const FAILED_PART = 0.5;
/** Where nothing at all has succeeded for so long, in milliseconds, and so many calls have failed, it opens whatever was before. */
export const LONGEST_STREAK = 100;
/** Pauses before probes, in milliseconds: a hiccup is over soon. */
export const FIRST_PAUSE = 100;
export const LONGEST_PAUSE = 500;

export interface BreakerHooks {
  /** Asks whether what is behind the breaker can be used; rejects if not, and takes no longer than a call should. */
  probe(): Promise<void>;
  /** @param reason why it opened; `undefined` for the other states, and when it is open again after a probe */
  changed(state: BreakerState, reason: string | undefined): void;
}

/**
 * Keeps callers from waiting for something that does not work. Closed: calls are made, and their outcomes noted. Open: none is
 * made. Half-open: a probe of the breaker's own is under way, and no call is made yet; callers are never the ones to find out.
 */
export class CircuitBreaker {
  #state: BreakerState = 'closed';
  readonly #window: Window;
  /** Failures since the last success, and when the first of them was. */
  #streak = 0;
  #failingSince = 0;
  #wake: (() => void) | undefined;
  #stopped = false;

  /** @param coarse looked at for every call */
  constructor(
    private readonly time: Clock,
    private readonly coarse: Pick<Clock, 'now'>,
    private readonly hooks: BreakerHooks,
  ) {
    this.#window = new Window();
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** Whether calls may be made. */
  get admits(): boolean {
    return this.#state === 'closed';
  }

  succeeded(): void {
    this.#streak = 0;
    this.#window.note(0, this.coarse.now());
  }

  /** @param onOpen told before anybody else if that opens it */
  failed(reason: string, onOpen?: () => void): void {
    // A call from before it opened.
    if (this.#state !== 'closed' || this.#stopped) return;
    const now = this.time.now();
    this.#window.note(1, now);
    if (this.#streak++ === 0) this.#failingSince = now;
    if (!this.#failsAlways(now) && !this.#window.hasTooMany(now)) return;
    onOpen?.();
    this.#become('open', reason);
    void this.#recover();
  }

  /** Something has happened that makes it worth while to probe now. */
  retry(): void {
    this.#wake?.();
  }

  /** Ends for good: there will be no more probes. */
  stop(): void {
    this.#stopped = true;
    this.#wake?.();
  }

  /** Calls may have become few because they fail: then the many good ones before say nothing. */
  #failsAlways(now: number): boolean {
    return this.#streak >= LEAST_FAILURES && now - this.#failingSince >= LONGEST_STREAK;
  }

  async #recover(): Promise<void> {
    for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      await this.#pause(pause);
      if (this.#stopped) return;
      this.#become('half-open', undefined);
      const works = await this.hooks.probe().then(
        () => true,
        () => false,
      );
      if (this.#stopped) return;
      if (works) break;
      this.#become('open', undefined);
    }
    this.#window.clear();
    this.#streak = 0;
    this.#become('closed', undefined);
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      void this.time.wait(milliseconds).then(resolve);
    });
  }

  #become(state: BreakerState, reason: string | undefined): void {
    this.#state = state;
    this.hooks.changed(state, reason);
  }
}

/** The latest calls, the newest in place of the oldest. To note one costs no allocation. */
class Window {
  readonly #failed = new Uint8Array(WINDOW_CALLS);
  readonly #at = new Float64Array(WINDOW_CALLS).fill(-Infinity);
  #next = 0;

  note(failed: 0 | 1, now: number): void {
    this.#failed[this.#next] = failed;
    this.#at[this.#next] = now;
    this.#next = this.#next === WINDOW_CALLS - 1 ? 0 : this.#next + 1;
  }

  hasTooMany(now: number): boolean {
    let calls = 0;
    let failures = 0;
    for (let i = 0; i < WINDOW_CALLS; i++) {
      if (this.#at[i]! < now - WINDOW) continue;
      calls++;
      failures += this.#failed[i]!;
    }
    return failures >= LEAST_FAILURES && failures >= calls * FAILED_PART;
  }

  clear(): void {
    this.#at.fill(-Infinity);
  }
}
