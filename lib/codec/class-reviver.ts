import { copyBinary, isBinary } from './binary.js';
import type { ClassTransformerStorage, Discriminator } from './class-metadata.js';
import type { ClassType, TypeReviver } from './class-type.js';
import { buildError, errorParts } from './error-values.js';

type Bag = Record<string, unknown>;

/** The class that plain objects in some place are instances of. */
interface Target {
  readonly type: ClassType;
  readonly discriminator?: Discriminator;
}

/** Classes that `@Type()` may name, and whose values the codec has brought back already. */
const BUILT_IN = new Set<unknown>([
  Object, Array, String, Number, Boolean, BigInt, Symbol, Function, Promise, Date, Map, Set, RegExp, URL, Error, Buffer,
  ArrayBuffer, DataView, Uint8Array,
]); // prettier-ignore

/**
 * Makes an instance equal to the one that was stored. Of class-transformer's decorators only `@Type()` counts, with its
 * discriminator: `@Transform`, `@Exclude` and `@Expose` describe how objects cross the border of the application, and
 * what was stored never did. So an `@Exclude`d property comes back, and is in the cache: a secret that must not be
 * there has to be left out by `toJSON()`, or not be loaded. `plainToInstance` is not used: it has no way to leave Map, Set,
 * URL and typed arrays whole, and takes several times as long.
 *
 * The constructor runs without arguments. If it throws, or freezes what it makes, it is gone without. Own properties are
 * then exactly the stored ones. A class with a `toJSON()` does not store its properties but a description of its own,
 * so there what the constructor set stays, setters are used, and names of methods and getters are passed over.
 */
export class ClassReviver implements TypeReviver {
  constructor(private readonly storage: ClassTransformerStorage) {}

  revive<T>(type: ClassType<T>, plain: unknown): T {
    return this.#copy(plain, BUILT_IN.has(type) ? undefined : { type }) as T;
  }

  #copy(value: unknown, target: Target | undefined): unknown {
    if (typeof value !== 'object' || value === null) return value;
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) {
      return target ? this.#instance(value as Bag, target) : this.#record(value as Bag);
    }
    // `map` keeps empty places empty.
    if (Array.isArray(value)) return value.map((element) => this.#copy(element, target));
    if (value instanceof Date) return new Date(value.getTime());
    if (value instanceof Map) {
      return new Map(
        Array.from(value, ([key, child]) => [this.#copy(key, undefined), this.#copy(child, target)]),
      );
    }
    if (value instanceof Set) return new Set(Array.from(value, (element) => this.#copy(element, target)));
    return this.#other(value);
  }

  #other(value: object): unknown {
    if (isBinary(value)) return copyBinary(value);
    if (value instanceof RegExp) return new RegExp(value.source, value.flags);
    if (value instanceof URL) return new URL(value.href);
    if (value instanceof Error) {
      const { kind, hidden, visible } = errorParts(value);
      return buildError({ kind, hidden: this.#record(hidden), visible: this.#record(visible) });
    }
    // Another codec's own idea of a value.
    return value;
  }

  #record(plain: Bag): Bag {
    const copy = { ...plain };
    for (const key of Object.keys(copy)) {
      const child = copy[key];
      if (typeof child === 'object') copy[key] = this.#copy(child, undefined);
    }
    return copy;
  }

  #instance(plain: Bag, { type: base, discriminator }: Target): object {
    const type = discriminator ? subType(plain, discriminator, base) : base;
    const prototype = type.prototype as Bag;
    const instance = construct(type);
    const put = typeof prototype['toJSON'] === 'function' ? putDescribed : putExact;
    if (put === putExact) {
      for (const key of Object.keys(instance)) if (!Object.hasOwn(plain, key)) delete instance[key];
    }
    for (const key of Object.keys(plain)) {
      let value = plain[key];
      if (typeof value === 'object') value = this.#copy(value, this.#target(type, instance, plain, key));
      put(instance, prototype, key, value);
    }
    return instance;
  }

  #target(owner: ClassType, newObject: object, object: object, property: string): Target | undefined {
    const metadata = this.storage.findTypeMetadata(owner, property);
    if (!metadata) return undefined;
    const type = metadata.typeFunction
      ? metadata.typeFunction({ newObject, object, property })
      : metadata.reflectedType;
    if (typeof type !== 'function' || BUILT_IN.has(type)) return undefined;
    return { type: type as ClassType, discriminator: metadata.options?.discriminator };
  }
}

function subType(plain: Bag, { property, subTypes }: Discriminator, base: ClassType): ClassType {
  return subTypes.find(({ name }) => name === plain[property])?.value ?? base;
}

function construct(type: ClassType): Bag {
  try {
    const instance = new type() as Bag;
    if (Object.isExtensible(instance)) return instance;
  } catch {
    // It wants arguments that nobody has.
  }
  return Object.create(type.prototype as object) as Bag;
}

function putExact(instance: Bag, prototype: Bag, key: string, value: unknown): void {
  // A name of the prototype (a setter, `__proto__`) that was an own property becomes one again.
  if (key in prototype) define(instance, key, value);
  else instance[key] = value;
}

function putDescribed(instance: Bag, prototype: Bag, key: string, value: unknown): void {
  const inherited = inheritedProperty(prototype, key);
  if (!inherited) define(instance, key, value);
  else if (inherited.set) instance[key] = value;
}

function inheritedProperty(prototype: object, key: string): PropertyDescriptor | undefined {
  for (
    let owner: object | null = prototype;
    owner && owner !== Object.prototype;
    owner = Object.getPrototypeOf(owner)
  ) {
    const descriptor = Object.getOwnPropertyDescriptor(owner, key);
    if (descriptor) return descriptor;
  }
  return undefined;
}

function define(instance: Bag, key: string, value: unknown): void {
  Object.defineProperty(instance, key, { value, enumerable: true, writable: true, configurable: true });
}
