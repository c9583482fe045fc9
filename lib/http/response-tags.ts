import { show } from '../primitives/show.js';
import { checkEntryTags } from '../primitives/tags.js';
import { complain } from './complaints.js';
import type { Exchange } from './exchange.js';
import type { Route } from './route.js';

/** The tags of a response. */
export class ResponseTags {
  /** What the handler has returned, if it has: of several values the last, which is the one that is sent. */
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

  /** That of its address, and those of the options. */
  all(): readonly string[] {
    return [this.exchange.addressTag, ...this.own];
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

  #ask(): readonly string[] | null {
    const { tags, tagsOf } = this.route.policy;
    if (tagsOf === undefined) return tags;
    try {
      const own = checkEntryTags(tagsOf(this.exchange.request, this.result));
      checkEntryTags([...own, this.exchange.addressTag]);
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
