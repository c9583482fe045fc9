import type { Glob } from '../primitives/glob.js';
import { ownKey } from '../primitives/key.js';

/** What one invalidation makes unusable. Keys and prefixes are stored keys, views' segments included. */
export type Invalidation =
  | { readonly kind: 'keys'; readonly keys: readonly string[] }
  | { readonly kind: 'tags'; readonly tags: readonly string[] }
  /** Every key with this beginning, which is empty or ends in `:`. */
  | { readonly kind: 'prefix'; readonly prefix: string }
  | PatternInvalidation;

/** Every key of the view whose own part matches. */
export interface PatternInvalidation {
  readonly kind: 'pattern';
  readonly view: string;
  readonly glob: Glob;
}

export function matchesPattern({ view, glob }: PatternInvalidation, key: string): boolean {
  const own = ownKey(view, key);
  return own !== undefined && glob.matches(own);
}
