import type { CacheOptions } from '../core/cache-options.js';
import { CacheHost } from './cache-host.js';

/** The caches of one application that have started so far, and whether one could not. */
interface Starts {
  readonly hosts: Set<CacheHost>;
  failed: boolean;
}

const APPLICATIONS = new WeakMap<object, Starts>();

/**
 * Starts a cache of an application. If one of them cannot be started, there will be no application, and nobody who closes the
 * others: so they are closed here.
 */
export async function startTogether(application: object, options: CacheOptions): Promise<CacheHost> {
  let starts = APPLICATIONS.get(application);
  if (starts === undefined) APPLICATIONS.set(application, (starts = { hosts: new Set(), failed: false }));
  try {
    const host = await CacheHost.start(options);
    starts.hosts.add(host);
    if (starts.failed) await host.onApplicationShutdown();
    return host;
  } catch (error) {
    starts.failed = true;
    await Promise.all(Array.from(starts.hosts, (host) => host.onApplicationShutdown()));
    throw error;
  }
}
