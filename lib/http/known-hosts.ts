import type { CacheManager } from '../core/cache-manager.js';
import { authorityOf } from './request-target.js';

/** Hosts for which responses are kept, whatever host those that change them are asked by. */
const HOSTS = new WeakMap<CacheManager, Set<string>>();

/** @param hosts the option of a handler */
export function keepHosts(cache: CacheManager, hosts: Iterable<string>): void {
  const known = HOSTS.get(cache) ?? new Set();
  HOSTS.set(cache, known);
  for (const host of hosts) known.add(authorityOf(host));
}

/** Those of the option `hosts` of all handlers. */
export function hostsOf(cache: CacheManager): Iterable<string> {
  return HOSTS.get(cache) ?? [];
}
