import { type Duration, parseDuration } from '../primitives/duration.js';
import { checkEntryTags } from '../primitives/tags.js';

/** What a loader is told, and what it may decide about the value it is loading. */
export interface LoadContext {
  /** The key being loaded, as the caller gave it. */
  readonly key: string;
  /** Aborted when the cache closes before the load has ended: nobody will want its result. */
  readonly signal: AbortSignal;
  /** Gives this value another time to live than the options say. 0 means do not store it. */
  setTtl(ttl: Duration): void;
  /** Adds tags to those of the options. */
  addTags(tags: readonly string[]): void;
  /** Leaves this value unstored; the callers that wait for it still get it. */
  skip(): void;
}

/** What the loader of a batch is told. What it decides holds for `key`, or for all keys of the batch when none is named. */
export interface BatchLoadContext {
  /** Aborted when the cache closes before the load has ended. */
  readonly signal: AbortSignal;
  setTtl(ttl: Duration, key?: string): void;
  addTags(tags: readonly string[], key?: string): void;
  skip(key?: string): void;
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

  readonly setTtl = (ttl: Duration): void => {
    this.ttl = parseDuration(ttl, 'ttl');
  };

  readonly addTags = (tags: readonly string[]): void => {
    this.tags = checkEntryTags([...(this.tags ?? []), ...checkEntryTags(tags)]);
  };

  readonly skip = (): void => {
    this.skipped = true;
  };
}

/** A load that can be told that nobody wants its result any more. */
export interface Abortable {
  abort(reason: unknown): void;
}

export class SingleLoad extends LoadDecisions implements LoadContext, Abortable {
  #controller: AbortController | undefined;

  constructor(readonly key: string) {
    super();
  }

  get signal(): AbortSignal {
    return (this.#controller ??= new AbortController()).signal;
  }

  abort(reason: unknown): void {
    this.#controller?.abort(reason);
  }
}

export class BatchLoad implements BatchLoadContext, Abortable {
  readonly #decisions: ReadonlyMap<string, LoadDecisions>;
  #controller: AbortController | undefined;

  constructor(keys: readonly string[]) {
    this.#decisions = new Map(keys.map((key) => [key, new LoadDecisions()]));
  }

  get signal(): AbortSignal {
    return (this.#controller ??= new AbortController()).signal;
  }

  abort(reason: unknown): void {
    this.#controller?.abort(reason);
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
