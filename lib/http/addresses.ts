import type { Exchange } from './exchange.js';
import { authorityOf, pathOf } from './request-target.js';
import { addressTag } from './route.js';

/** Methods that are defined to change nothing (RFC 9110 9.2.1); all others, unknown ones too, may have changed the resource they name. */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY', 'REPORT', 'SEARCH']);

/** Stands for whatever host a request was for, which need not be one that an address can have. */
const SELF = 'self.invalid';

/** Where a response says that something is, or was made. */
const PLACES = ['location', 'content-location'] as const;

export function isSafe(method: string): boolean {
  return SAFE.has(method);
}

/**
 * The tags of what a request with an unsafe method has changed when it succeeded (RFC 9111 4.4): its own address, and those that
 * its response names, unless they are of another origin.
 * @param hosts by which the application is asked for the same
 */
export function changedAddresses(exchange: Exchange, hosts: readonly string[]): string[] {
  const own = pathOf(exchange.path);
  const base = `http://${SELF}${own}`;
  const paths = [own];
  for (const name of PLACES) {
    const place = exchange.raw.getHeader(name);
    if (typeof place !== 'string' || !URL.canParse(place, base)) continue;
    const { host, pathname } = new URL(place, base);
    if (host === SELF || hosts.includes(authorityOf(host))) paths.push(pathname);
  }
  return addressTags(hosts, paths);
}

/** The tags of paths on each of some hosts. */
export function addressTags(hosts: readonly string[], paths: readonly string[]): string[] {
  return [...new Set(hosts.flatMap((host) => paths.map((path) => addressTag(host, path))))];
}

/** Whether a response says that what was asked for has been done. */
export function hasSucceeded({ statusCode }: { readonly statusCode: number }): boolean {
  return statusCode >= 200 && statusCode < 400;
}
