/** More objects than this, and a cycle is suspected: default-codec values have none, other codecs' may. */
const CYCLE_SUSPECTED = 50_000;

/**
 * Freezes a value, if that makes it unchangeable: if it holds nothing but primitives, plain objects and arrays. A Map or a
 * Date can be changed however frozen it is, so a value with one anywhere is left as it is, altogether. Looked at are
 * enumerable properties with string keys, which is all that decoded data has.
 * @returns whether the value is now frozen through and through
 */
export function freezeDeep(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return typeof value !== 'function';
  const containers = collect(value);
  if (!containers) return false;
  for (const container of containers) Object.freeze(container);
  return true;
}

/** All containers in a value, or `undefined` if there is anything that freezing does not protect. Not recursive. */
function collect(root: object): Iterable<object> | undefined {
  if (!isPlain(root)) return undefined;
  const found = [root];
  for (let i = 0; i < found.length; i++) {
    if (i > CYCLE_SUSPECTED) return collectOnce(root);
    if (!pushChildren(found[i]!, found)) return undefined;
  }
  return found;
}

/** As {@link collect}, slower, and comes to an end for values with cycles. */
function collectOnce(root: object): Iterable<object> | undefined {
  const found = new Set([root]);
  for (const container of found) {
    const children: object[] = [];
    if (!pushChildren(container, children)) return undefined;
    for (const child of children) found.add(child);
  }
  return found;
}

/** @returns false when there is a child that freezing does not protect */
function pushChildren(container: object, found: object[]): boolean {
  // Both are several times faster than a for-in loop.
  const children: readonly unknown[] = Array.isArray(container) ? container : Object.values(container);
  for (let i = 0; i < children.length; i++) {
    const child = children[i];
    if (typeof child === 'function') return false;
    if (typeof child !== 'object' || child === null) continue;
    if (!isPlain(child)) return false;
    found.push(child);
  }
  return true;
}

/** Plain objects of another realm are not recognised: their readers get copies instead, which is slower and as safe. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return (
    prototype === Object.prototype ||
    prototype === null ||
    (prototype === Array.prototype && Array.isArray(value))
  );
}
