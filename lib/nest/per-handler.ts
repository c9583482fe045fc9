/** What is found out once for each handler of each class: an inherited one may belong to several. */
export class PerHandler<Fact> {
  readonly #facts = new WeakMap<object, Map<object, Fact>>();

  of(owner: object, handler: object, find: () => Fact): Fact {
    let known = this.#facts.get(owner);
    if (known === undefined) this.#facts.set(owner, (known = new Map()));
    if (!known.has(handler)) known.set(handler, find());
    return known.get(handler)!;
  }
}

/**
 * The name of the property that a handler is: what a decorator has put in a method's place may be called otherwise, or nothing.
 * @returns `undefined` when it is none of the class
 */
export function methodNameOf(owner: { readonly prototype: object }, handler: object): string | undefined {
  for (let proto = owner.prototype; proto !== null; proto = Object.getPrototypeOf(proto) as object) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(proto))) {
      if (value === handler) return name;
    }
  }
  return undefined;
}
