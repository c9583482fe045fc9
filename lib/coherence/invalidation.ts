import type { Glob } from '../primitives/glob.js';

/** What one invalidation makes unusable. Keys and prefixes are stored keys, views' segments included. */
export type Invalidation =
  | { readonly kind: 'keys'; readonly keys: readonly string[] }
  | { readonly kind: 'tags'; readonly tags: readonly string[] }
  /** Every key with this beginning, which is empty or ends in `:`. */
  | { readonly kind: 'prefix'; readonly prefix: string }
  /** Every key of the view whose own part matches. */
  | { readonly kind: 'pattern'; readonly view: string; readonly glob: Glob };
