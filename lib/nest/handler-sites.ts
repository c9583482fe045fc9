import type { ExecutionContext } from '@nestjs/common';

import { methodNameOf, PerHandler } from './per-handler.js';

/** Names for handlers, the same in every process: `Controller.method`. */
export class HandlerSites {
  readonly #sites = new PerHandler<string>();
  /** Who bears a name: what two classes of one name store must not be mixed up. */
  readonly #owners = new Map<string, object>();

  /** @returns `undefined` when another class with the same name has a method with the same name */
  of(context: ExecutionContext): string | undefined {
    const owner = context.getClass();
    const handler = context.getHandler();
    const site = this.#sites.of(
      owner,
      handler,
      () => `${owner.name}.${methodNameOf(owner, handler) ?? handler.name}`,
    );
    const first = this.#owners.get(site);
    if (first === undefined) this.#owners.set(site, owner);
    return first === undefined || first === owner ? site : undefined;
  }
}
