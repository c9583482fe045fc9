import type { Glob } from '../primitives/glob.js';
import { ownKey } from '../primitives/key.js';

/** What one invalidation makes unusable. Keys and prefixes are stored keys, views' segments included. */
export interface Invalidation {
  readonly keys: readonly string[];
  readonly tags: readonly string[];
  /** Every key with such a beginning, which is empty or ends in `:`. */
  readonly prefixes: readonly string[];
  readonly patterns: readonly Pattern[];
}

/** Every key of the view whose own part matches. */
export interface Pattern {
  readonly view: string;
  readonly glob: Glob;
}

const NOTHING: Invalidation = { keys: [], tags: [], prefixes: [], patterns: [] };

/** Makes an invalidation of some of its parts. */
export function invalidationOf(parts: Partial<Invalidation>): Invalidation {
  return { ...NOTHING, ...parts };
}

/** Everything in the namespace. */
export const EVERYTHING: Invalidation = invalidationOf({ prefixes: [''] });

/** Tells a pattern from all others. */
export function nameOf({ view, glob }: Pattern): string {
  return `${view}\n${glob.source}`;
}

export function matchesPattern({ view, glob }: Pattern, key: string): boolean {
  const own = ownKey(view, key);
  return own !== undefined && glob.matches(own);
}

/** How many keys, tags, prefixes and patterns it names. */
export function sizeOf({ keys, tags, prefixes, patterns }: Invalidation): number {
  return keys.length + tags.length + prefixes.length + patterns.length;
}

/** Everything that any of them names, each once. */
export function mergeInvalidations(all: readonly Invalidation[]): Invalidation {
  if (all.length === 1) return all[0]!;
  const patterns = new Map<string, Pattern>();
  for (const one of all) {
    for (const pattern of one.patterns) patterns.set(nameOf(pattern), pattern);
  }
  return {
    keys: [...new Set(all.flatMap(({ keys }) => keys))],
    tags: [...new Set(all.flatMap(({ tags }) => tags))],
    prefixes: [...new Set(all.flatMap(({ prefixes }) => prefixes))],
    patterns: [...patterns.values()],
  };
}
