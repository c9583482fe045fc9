import { Glob } from '../primitives/glob.js';
import type { RawMessage } from './feed.js';
import type { Invalidation } from './invalidation.js';

/** The layout of {@link encodeMessage}. A process that meets a higher one cannot know what it says, and resyncs. */
const VERSION = 1;

/** An invalidation that some instance announced. */
export interface Message {
  /** The instance that announced it. */
  readonly origin: string;
  readonly invalidation: Invalidation;
}

/** What goes into the stream: JSON with names of one letter, lists that are empty left out. Never values. */
export function encodeMessage(origin: string, { keys, tags, prefixes, patterns }: Invalidation): string {
  return JSON.stringify({
    v: VERSION,
    o: origin,
    ...(keys.length > 0 && { k: keys }),
    ...(tags.length > 0 && { t: tags }),
    ...(prefixes.length > 0 && { p: prefixes }),
    ...(patterns.length > 0 && { g: patterns.map(({ view, glob }) => [view, glob.source]) }),
  });
}

/**
 * Nothing that came from Redis is trusted to be well formed.
 * @returns `undefined` when it cannot be read
 */
export function decodeMessage({ body }: RawMessage): Message | undefined {
  if (body === undefined) return undefined;
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed !== 'object' || parsed === null) return undefined;
    const { v, o, k = [], t = [], p = [], g = [] } = parsed as Record<string, unknown>;
    if (v !== VERSION || typeof o !== 'string') return undefined;
    if (!areStrings(k) || !areStrings(t) || !areStrings(p) || !Array.isArray(g)) return undefined;
    return { origin: o, invalidation: { keys: k, tags: t, prefixes: p, patterns: g.map(decodePattern) } };
  } catch {
    return undefined;
  }
}

function decodePattern(parts: unknown): { view: string; glob: Glob } {
  if (!areStrings(parts) || parts.length !== 2) throw new TypeError('not a pattern');
  return { view: parts[0]!, glob: new Glob(parts[1]!) };
}

function areStrings(list: unknown): list is string[] {
  return Array.isArray(list) && list.every((item) => typeof item === 'string');
}
