import { Logger } from '@nestjs/common';

import { checkEntryTags } from '../primitives/tags.js';
import type { Exchange } from './exchange.js';
import { addressTag, type Route } from './route.js';

const log = new Logger('ResponseCache');
/** Handlers whose `tags` have failed, and of which that has been said. */
const COMPLAINED = new WeakSet<Route>();

/** The tags of a response. */
export class ResponseTags {
  #own: readonly string[] | undefined;
  #refused = false;

  constructor(
    private readonly exchange: Exchange,
    private readonly route: Route,
  ) {}

  /** Whether the options gave none that could be used. Nobody could invalidate such a response, and the client gets it all the same. */
  get refused(): boolean {
    return this.#refused;
  }

  /** That of its address, and those of the options. */
  all(): readonly string[] {
    return [this.#address, ...this.own(undefined)];
  }

  /** @param result what the handler returned, the first time */
  own(result: unknown): readonly string[] {
    this.#own ??= this.#ask(result);
    return this.#own;
  }

  get #address(): string {
    return addressTag(this.exchange.origin, this.exchange.path);
  }

  #ask(result: unknown): readonly string[] {
    const { tags, tagsOf } = this.route.policy;
    if (tagsOf === undefined) return tags;
    try {
      const own = checkEntryTags(tagsOf(this.exchange.request, result));
      checkEntryTags([...own, this.#address]);
      return own;
    } catch (error) {
      this.#refused = true;
      this.#complain(error);
      return [];
    }
  }

  #complain(error: unknown): void {
    if (COMPLAINED.has(this.route)) return;
    COMPLAINED.add(this.route);
    const { message } = error as Error;
    log.error(`a response of ${this.route.place} is not stored, since its tags are not known: ${message}`);
  }
}
