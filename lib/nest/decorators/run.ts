import type { Method, MethodSite } from './method-site.js';

/** Runs a method as it was, except that it answers with a promise: what it throws at once becomes a rejection. */
export async function runMethod(method: Method, self: object, args: readonly unknown[]): Promise<unknown> {
  return method.apply(self, args as unknown[]);
}

/** @throws CacheKeyError unless a function key returned a string */
export function checkMadeKey(key: unknown, site: MethodSite): string {
  if (typeof key === 'string') return key;
  throw site.keyError(`the function 'key' must return a string, not ${key === null ? 'null' : typeof key}`);
}
