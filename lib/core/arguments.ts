import { CacheArgumentError } from '../primitives/errors.js';
import { checkKey } from '../primitives/key.js';

/** @throws CacheArgumentError unless `loader` is a function */
export function checkLoader(loader: unknown, key?: string): void {
  if (typeof loader === 'function') return;
  const which = key === undefined ? 'the loader' : `the loader of '${key}'`;
  throw new CacheArgumentError(`${which} must be a function that returns the value, not ${typeof loader}`, {
    key,
  });
}

/** @throws CacheArgumentError unless a batch loader returned a Map */
export function checkRows(found: unknown): asserts found is Map<unknown, unknown> {
  if (found instanceof Map) return;
  throw new CacheArgumentError('the loader of getOrSetMany must return a Map of keys to values');
}

/**
 * @returns the different keys, in their order
 * @throws CacheArgumentError, CacheKeyError
 */
export function distinctKeys(keys: Iterable<string>): Set<string> {
  checkIterable(keys, 'keys');
  const distinct = new Set<string>();
  for (const key of keys) {
    checkKey(key);
    distinct.add(key);
  }
  return distinct;
}

/** @throws CacheArgumentError, CacheKeyError */
export function checkEntries(
  entries: Iterable<readonly [key: string, value: unknown]>,
): (readonly [string, unknown])[] {
  checkIterable(entries, 'entries');
  return Array.from(entries, (entry: unknown) => {
    if (!Array.isArray(entry)) throw new CacheArgumentError('entries must be pairs of key and value');
    const [key, value] = entry as [unknown, unknown];
    checkKey(key);
    return [key, value] as const;
  });
}

function checkIterable(value: unknown, name: string): void {
  if (
    typeof value !== 'string' &&
    typeof (value as Iterable<unknown> | null | undefined)?.[Symbol.iterator] === 'function'
  ) {
    return;
  }
  throw new CacheArgumentError(`${name} must be an array or another iterable`);
}

/** Keys, tags or patterns. */
export type Names = readonly string[];
