import type { HttpRequest } from '../http/exchange.js';
import { hashedKey } from '../primitives/hashed-key.js';

/**
 * The tag by which `del` finds responses: those of `@CacheKey(name)`, or those of a path. One response has many queries in any
 * order; all of a path go at once.
 */
export function nameTag(name: string): string {
  const end = name.startsWith('/') ? name.indexOf('?') : -1;
  return `response:${hashedKey([end === -1 ? name : name.slice(0, end)])}`;
}

/** The tag of a response's own path. RPC requests have none. */
export function pathTags({ originalUrl }: Partial<HttpRequest>): readonly string[] {
  return typeof originalUrl === 'string' ? [nameTag(originalUrl)] : [];
}
