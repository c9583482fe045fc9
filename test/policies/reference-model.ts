/** How one cache with one key has to behave, said as simply as possible. All times in milliseconds, whole numbers. */
export interface ModelOptions {
  readonly ttl: number;
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
  readonly refreshAhead: number | undefined;
  readonly soft: number | undefined;
  readonly hard: number | undefined;
  /** What `jitter` leaves of each ttl. */
  readonly shortened: number;
  readonly negativeTtl: number | undefined;
}

/** What a loader does when it is called: after so many milliseconds it returns or throws this. */
export interface Load {
  readonly takes: number;
  readonly result: number | null | Error;
}

/** What a call comes to, and when, counted from its beginning. */
export interface Expected {
  readonly result: number | null | Error | 'timeout';
  readonly after: number;
  readonly loads: boolean;
}

interface Held {
  readonly value: number | null;
  readonly freshUntil: number;
  readonly staleUntil: number;
  readonly refreshAt: number;
}

export class ReferenceModel {
  #held: Held | undefined;
  #failure: { readonly until: number; readonly pause: number } | undefined;

  constructor(private readonly options: ModelOptions) {}

  /** Nothing else may begin before the load has ended. */
  getOrSet(now: number, load: Load): Expected {
    const { staleWhileRevalidate: swr, staleIfError: sie, refreshAhead, soft } = this.options;
    const held = this.#held !== undefined && now < this.#held.staleUntil ? this.#held : undefined;
    const backsOff = this.#failure !== undefined && now < this.#failure.until;
    const within = (window: number, at: number): boolean =>
      held !== undefined && at < held.staleUntil && at - held.freshUntil < window;
    if (held !== undefined && now < held.freshUntil) {
      const loads = refreshAhead !== undefined && now >= held.refreshAt && !backsOff;
      if (loads) this.#load(now, load);
      return { result: held.value, after: 0, loads };
    }
    if (within(swr, now)) {
      if (!backsOff) this.#load(now, load);
      return { result: held!.value, after: 0, loads: !backsOff };
    }
    if (backsOff && within(sie, now)) return { result: held!.value, after: 0, loads: false };
    const outcome = this.#load(now, load);
    if (soft !== undefined && outcome.after > soft && within(Math.max(sie, swr), now + soft)) {
      return { result: held!.value, after: soft, loads: true };
    }
    const failed = outcome.result instanceof Error || outcome.result === 'timeout';
    if (failed && within(sie, now + outcome.after)) return { ...outcome, result: held!.value };
    return outcome;
  }

  invalidate(): void {
    this.#held = undefined;
  }

  #load(now: number, { takes, result }: Load): Expected {
    const { hard } = this.options;
    if (hard !== undefined && takes > hard)
      return this.#fail(now, { result: 'timeout', after: hard, loads: true });
    const outcome: Expected = { result, after: takes, loads: true };
    if (result instanceof Error) return this.#fail(now, outcome);
    this.#store(now + takes, result);
    return outcome;
  }

  #store(at: number, value: number | null): void {
    const { options } = this;
    const ttl = (value === null ? options.negativeTtl : undefined) ?? options.ttl;
    const fresh = ttl * options.shortened;
    const freshUntil = at + fresh;
    this.#failure = undefined;
    this.#held = {
      value,
      freshUntil,
      staleUntil: freshUntil + Math.max(options.staleWhileRevalidate, options.staleIfError),
      refreshAt: freshUntil - fresh * (1 - (options.refreshAhead ?? 1)),
    };
  }

  #fail(now: number, outcome: Expected): Expected {
    const at = now + outcome.after;
    if (this.#held !== undefined && at < this.#held.staleUntil) {
      const last = this.#failure;
      const lately = last !== undefined && at - last.until < last.pause;
      const pause = lately ? Math.min(last.pause * 2, 30_000) : 1_000;
      this.#failure = { until: at + pause, pause };
    }
    return outcome;
  }
}
