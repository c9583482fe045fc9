import type { Exchange } from './exchange.js';
import { addressTag } from './route.js';

/** Methods that change nothing (RFC 9110 9.2.1); all others, unknown ones too, may have changed the resource they name. */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** Where a response says that something is, or was made. */
const PLACES = ['location', 'content-location'] as const;

export function isSafe(method: string): boolean {
  return SAFE.has(method);
}

/**
 * The tags of what a request with an unsafe method has changed when it succeeded (RFC 9111 4.4): its own address, and those that
 * its response names, unless they are of another origin.
 */
export function changedAddresses(exchange: Exchange): string[] {
  const { origin, path, raw } = exchange;
  const tags = [addressTag(origin, path)];
  for (const name of PLACES) {
    const place = raw.getHeader(name);
    const base = `${origin}${path}`;
    if (typeof place !== 'string' || !URL.canParse(place, base)) continue;
    const url = new URL(place, base);
    if (url.origin === new URL(base).origin) tags.push(addressTag(origin, url.pathname));
  }
  return [...new Set(tags)];
}

/** Whether a response says that what was asked for has been done. */
export function hasSucceeded({ statusCode }: { readonly statusCode: number }): boolean {
  return statusCode >= 200 && statusCode < 400;
}
