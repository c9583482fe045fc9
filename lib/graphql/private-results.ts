/** By contexts of GraphQL, for whom private results have been resolved with them. */
const PRIVATE = new WeakMap<object, Set<string | undefined>>();

/**
 * Remembers that a result resolved with a context is for one audience only, whatever it becomes part of.
 * @param audience `undefined` when it is for nobody that is known
 */
export function rememberPrivate(context: unknown, audience: string | undefined): void {
  if (typeof context !== 'object' || context === null) return;
  const audiences = PRIVATE.get(context) ?? new Set();
  PRIVATE.set(context, audiences.add(audience));
}

/** Whether private results of anybody but an audience have been resolved with a context. */
export function isForOthers(context: object, audience: string | undefined): boolean {
  return [...(PRIVATE.get(context) ?? [])].some((other) => other === undefined || other !== audience);
}
