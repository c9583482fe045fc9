import { types } from 'node:util';

/**
 * The name of a class that something in a value is an instance of. The cache gives plain objects in the place of instances,
 * which whoever reads values by their class treats otherwise: `ClassSerializerInterceptor` hides nothing of them.
 * @returns `undefined` when the value is nothing but data
 */
export function instanceIn(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const seen = new Set<object>([value]);
  // Sets are walked in the order in which they grow.
  for (const object of seen) {
    if (isFaithful(object)) continue;
    const children = childrenOf(object);
    if (children === undefined) return className(object);
    for (const child of children) if (typeof child === 'object' && child !== null) seen.add(child);
  }
  return undefined;
}

/** Why what holds instances of a class is not cached, and the way out. */
export function plainObjects(name: string): string {
  return `they hold instances of ${name}, which would come back as plain objects: name the class as \`type\`, or return plain data`;
}

/** What comes back from the cache as what it was, beside plain objects, arrays, Maps and Sets. */
function isFaithful(object: object): boolean {
  if (types.isDate(object) || types.isRegExp(object) || types.isNativeError(object)) return true;
  return ArrayBuffer.isView(object) || types.isAnyArrayBuffer(object) || object instanceof URL;
}

function childrenOf(object: object): Iterable<unknown> | undefined {
  if (Array.isArray(object)) return object;
  if (types.isMap(object)) return [...object].flat(1);
  if (types.isSet(object)) return object;
  return isPlain(object) ? Object.values(object) : undefined;
}

/** Object literals, of any realm, and objects without a prototype. */
function isPlain(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function className(object: object): string {
  const name = (object.constructor as { name?: unknown } | undefined)?.name;
  return typeof name === 'string' && name !== '' ? name : 'an anonymous class';
}
