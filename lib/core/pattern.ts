import type { Invalidation } from '../coherence/invalidation.js';
import { Glob } from '../primitives/glob.js';

/**
 * What a pattern names in a view. A beginning that ends in a colon is a prefix, which has a slot of its own; whatever else
 * matches has to be looked for.
 * @throws CacheArgumentError for a malformed pattern
 */
function matching(view: string, pattern: string): Partial<Invalidation> {
  const glob = new Glob(pattern);
  const { isPrefix, head } = glob;
  return isPrefix && (head === '' || (head.endsWith(':') && !head.startsWith('~')))
    ? { prefixes: [view + head] }
    : { patterns: [{ view, glob }] };
}

/** What several patterns name in a view. */
export function matchingAny(
  view: string,
  patterns: readonly string[],
): Pick<Invalidation, 'prefixes' | 'patterns'> {
  const named = patterns.map((pattern) => matching(view, pattern));
  return {
    prefixes: named.flatMap(({ prefixes = [] }) => prefixes),
    patterns: named.flatMap(({ patterns: own = [] }) => own),
  };
}
