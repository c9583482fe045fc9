import type { CacheManager } from '../../../lib/core/cache-manager.js';
import type { DataSourceCache } from '../../../lib/typeorm/data-source-cache.js';

/**
 * What a cache may do wrong, to see that it is found: it is never told of writes; or it is told as soon as something is
 * written, in the transaction, before others can see that.
 */
export type Broken = 'never' | 'early';

export function breakCache(manager: CacheManager, cached: DataSourceCache, broken: Broken | undefined): void {
  if (broken === 'never') manager.invalidateTags = () => Promise.resolve();
  if (broken !== 'early') return;
  const { log } = cached.observer;
  const write = log.write.bind(log);
  log.write = (_, what) => {
    // On a connection of its own, which is in no transaction.
    const loose = {};
    write(loose, what);
    void log.settle(loose);
  };
}
