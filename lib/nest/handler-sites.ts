import type { ExecutionContext } from '@nestjs/common';

/** Names for handlers, the same in every process: `Controller.method`. */
export class HandlerSites {
  readonly #sites = new WeakMap<object, Map<object, string>>();
  /** Who bears a name: what two classes of one name store must not be mixed up. */
  readonly #owners = new Map<string, object>();

  /** @returns `undefined` when another class with the same name has a method with the same name */
  of(context: ExecutionContext): string | undefined {
    const owner = context.getClass();
    const handler = context.getHandler();
    let known = this.#sites.get(owner);
    if (known === undefined) this.#sites.set(owner, (known = new Map()));
    let site = known.get(handler);
    if (site === undefined) known.set(handler, (site = `${owner.name}.${methodName(owner, handler)}`));
    const first = this.#owners.get(site);
    if (first === undefined) this.#owners.set(site, owner);
    return first === undefined || first === owner ? site : undefined;
  }
}

/** What a decorator has put in a method's place may have any name, or none. */
function methodName(owner: { readonly prototype: object }, handler: { readonly name: string }): string {
  for (let proto = owner.prototype; proto !== null; proto = Object.getPrototypeOf(proto) as object) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(proto))) {
      if (value === handler) return name;
    }
  }
  return handler.name;
}
