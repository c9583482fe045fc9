import { type Duration, parseDuration } from '../primitives/duration.js';
import { aboutKey, CacheArgumentError } from '../primitives/errors.js';
import { checkEntryTags } from '../primitives/tags.js';

/** What a loader is told, and what it may decide about the value it is loading. */
export interface LoadContext<T = unknown> {
  /** The key being loaded, as the caller gave it. */
  readonly key: string;
  /** Aborted when the load has taken longer than `loadTimeout.hard`, or the cache closes: nobody will want its result. */
  readonly signal: AbortSignal;
  /**
   * The value that the load is to replace, with its age in seconds since its own load began: one that has expired and is kept
   * for `staleWhileRevalidate` or `staleIfError`, or that is refreshed before it expires. Never one that was invalidated.
   */
  readonly stale?: StaleValue<T>;
  /** Whether no caller waits for this load: it refreshes a value that is served meanwhile. */
  readonly background: boolean;
  /**
   * To be returned by a loader that has found `stale.value` to be the current one: it is kept, with its tags, and lives as
   * long again. `return context.notModified();`
   * @throws CacheArgumentError when there is no `stale`
   */
  readonly notModified: () => T;
  /** Gives this value another time to live than the options say. 0 means do not store it. */
  readonly setTtl: (ttl: Duration) => void;
  /** Adds tags to those of the options. */
  readonly addTags: (tags: readonly string[]) => void;
  /** Leaves this value unstored; the callers that wait for it still get it. */
  readonly skip: () => void;
}

/** A value about to be replaced. */
export interface StaleValue<T = unknown> {
  readonly value: T;
  /** Seconds since its load began. */
  readonly age: number;
}

/** What the loader of a batch is told. What it decides holds for `key`, or for all keys of the batch when none is named. */
export interface BatchLoadContext {
  /** Aborted when the load has taken longer than `loadTimeout.hard`, or the cache closes. */
  readonly signal: AbortSignal;
  /** Gives values another time to live than the options say. 0 means do not store them. */
  readonly setTtl: (ttl: Duration, key?: string) => void;
  /** Adds tags to those of the options. */
  readonly addTags: (tags: readonly string[], key?: string) => void;
  /** Leaves values unstored; the callers that wait for them still get them. */
  readonly skip: (key?: string) => void;
}

/**
 * A loader's decisions about one key. Its functions are bound, so that a loader may take its context apart:
 * `async ({ setTtl }) => …`.
 */
export class LoadDecisions {
  /** Milliseconds, when the loader decided. */
  ttl: number | undefined;
  tags: readonly string[] | undefined;
  skipped = false;

  /** @param key the key these decisions are about, as its user knows it */
  constructor(readonly key: string) {}

  readonly setTtl = (ttl: Duration): void => {
    this.ttl = this.#checked(() => parseDuration(ttl, 'ttl'));
  };

  readonly addTags = (tags: readonly string[]): void => {
    this.tags = this.#checked(() => checkEntryTags([...(this.tags ?? []), ...checkEntryTags(tags)]));
  };

  readonly skip = (): void => {
    this.skipped = true;
  };

  #checked<T>(check: () => T): T {
    try {
      return check();
    } catch (error) {
      throw aboutKey(error, this.key);
    }
  }
}

/** Tells loads that nobody wants their result any more. Makes a signal only for those that look. */
export class Cancellation {
  #controller: AbortController | undefined;
  #reason: unknown;

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#reason = reason;
    this.#controller?.abort(reason);
  }
}

/** There is no stale value, or no more: it was invalidated while the loader ran. */
export function nothingToRenew(key: string): CacheArgumentError {
  return new CacheArgumentError(
    'notModified() says that context.stale is still right, and there is none: load the value',
    { key },
  );
}

/** What a loader returns that has found the stale value to be the current one. */
export const NOT_MODIFIED: unique symbol = Symbol('not modified');

export class SingleLoad extends LoadDecisions implements LoadContext {
  readonly cancellation = new Cancellation();
  /** What it was once told stays: it may have been invalidated when it is asked for again. */
  #stale: StaleValue | undefined;

  /** @param readStale reads the value that is to be replaced, if there is one */
  constructor(
    key: string,
    readonly background: boolean,
    private readonly readStale?: () => StaleValue | undefined,
  ) {
    super(key);
  }

  get stale(): StaleValue | undefined {
    return (this.#stale ??= this.readStale?.());
  }

  readonly notModified = (): unknown => {
    if (this.stale !== undefined) return NOT_MODIFIED;
    throw nothingToRenew(this.key);
  };

  get signal(): AbortSignal {
    return this.cancellation.signal;
  }
}

export class BatchLoad implements BatchLoadContext {
  readonly cancellation = new Cancellation();
  readonly #decisions: ReadonlyMap<string, LoadDecisions>;

  constructor(keys: readonly string[]) {
    this.#decisions = new Map(keys.map((key) => [key, new LoadDecisions(key)]));
  }

  get signal(): AbortSignal {
    return this.cancellation.signal;
  }

  readonly setTtl = (ttl: Duration, key?: string): void => {
    for (const decisions of this.#concerned(key)) decisions.setTtl(ttl);
  };

  readonly addTags = (tags: readonly string[], key?: string): void => {
    for (const decisions of this.#concerned(key)) decisions.addTags(tags);
  };

  readonly skip = (key?: string): void => {
    for (const decisions of this.#concerned(key)) decisions.skip();
  };

  of(key: string): LoadDecisions {
    return this.#decisions.get(key)!;
  }

  #concerned(key: string | undefined): Iterable<LoadDecisions> {
    if (key === undefined) return this.#decisions.values();
    const one = this.#decisions.get(key);
    return one === undefined ? [] : [one];
  }
}
