import type { ExecutionContext } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';

import { methodNameOf, PerHandler } from './per-handler.js';

/** What has methods by name. */
interface Owner {
  readonly name: string;
  readonly prototype: object;
}

/** Names for handlers, the same in every process: `Controller.method`. */
export class HandlerSites {
  readonly #sites = new PerHandler<string | undefined>();

  constructor(private readonly container: ModulesContainer) {}

  /**
   * @returns `undefined` when another class of the application with the same name has a method with the same name: what the two
   * store must not be mixed up, and which of them is asked first is another one in every process
   */
  of(context: ExecutionContext): string | undefined {
    const owner = context.getClass();
    const handler = context.getHandler();
    return this.#sites.of(owner, handler, () => {
      const method = methodNameOf(owner, handler) ?? handler.name;
      return this.#hasNamesake(owner, method) ? undefined : `${owner.name}.${method}`;
    });
  }

  #hasNamesake(owner: Owner, method: string): boolean {
    for (const { controllers, providers } of this.container.values()) {
      for (const { metatype } of [...controllers.values(), ...providers.values()]) {
        const other = metatype as Partial<Owner> | null;
        if (other === owner || other?.name !== owner.name || other.prototype === undefined) continue;
        if (method in other.prototype) return true;
      }
    }
    return false;
  }
}
