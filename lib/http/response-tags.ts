import { type Observable, tap } from 'rxjs';

import { show } from '../primitives/show.js';
import { checkEntryTags } from '../primitives/tags.js';
import { complain } from './complaints.js';
import type { Exchange } from './exchange.js';
import type { Route } from './route.js';

/** What handlers have returned to the closest of those who note it: interceptors in between make something else of it. */
const RETURNED = new WeakMap<object, { noting: number; value?: unknown }>();

/** Notes what the handler of a request returns: of several emissions the last. */
export function noteReturned(request: object, handled: Observable<unknown>): Observable<unknown> {
  const returned = RETURNED.get(request) ?? { noting: 0 };
  RETURNED.set(request, returned);
  const own = ++returned.noting;
  return handled.pipe(
    tap((value) => {
      if (own === returned.noting) returned.value = value;
    }),
  );
}

/** The tags of a response. */
export class ResponseTags {
  /** What has come from the handler, if anything has: of several values the last, which is the one that is sent. */
  result: unknown;
  /** Those of the options; `null` when they gave none that could be used. */
  #known: readonly string[] | null | undefined;

  constructor(
    private readonly exchange: Exchange,
    private readonly route: Route,
  ) {}

  /** Whether the options gave none that could be used. Nobody could invalidate such a response, and the client gets it all the same. */
  get refused(): boolean {
    return this.#asked === null;
  }

  /** Its names, and those of the options. */
  all(): readonly string[] {
    return [...this.#names, ...this.own];
  }

  /** Those of the options. */
  get own(): readonly string[] {
    return this.#asked ?? [];
  }

  /** Asked for once: when the response is about to be sent. */
  get #asked(): readonly string[] | null {
    if (this.#known === undefined) this.#known = this.#ask();
    return this.#known;
  }

  get #names(): readonly string[] {
    return this.route.namesOf(this.exchange);
  }

  #ask(): readonly string[] | null {
    const { tags, tagsOf } = this.route.policy;
    if (tagsOf === undefined) return tags;
    const { request } = this.exchange;
    const { value: result } = RETURNED.get(request) ?? { value: this.result };
    try {
      const own = checkEntryTags(tagsOf(request, result));
      checkEntryTags([...own, ...this.#names]);
      return own;
    } catch (error) {
      // Anything may have been thrown.
      const why = error instanceof Error ? error.message : show(error);
      const { route } = this;
      complain(
        route,
        'tags',
        `a response of ${route.place} is not stored, since its tags are not known: ${why}`,
      );
      return null;
    }
  }
}
