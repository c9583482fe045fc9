import type { ReadyResponse, StoredResponse, Uncacheable } from './stored-response.js';

/** What is stored of a handler's answer. */
export type RunResult = StoredResponse | Uncacheable;

/** What a run of a handler came to. */
export interface Finished {
  readonly value: RunResult;
  readonly tags: readonly string[];
  /** That of the response. */
  readonly status: number;
}

/** What a run is to replace: a stale response, whose validators the handler is asked with. */
export interface Replaced {
  readonly stale: ReadyResponse;
  /** Whether it may be served when the handler fails. */
  readonly mayServe: boolean;
}
