import type { OnApplicationShutdown } from '@nestjs/common';

import type { CacheManager } from '../core/cache-manager.js';
import type { CacheOptions } from '../core/cache-options.js';
import { type CreatedCache, createCache } from '../create-cache.js';
import { StoreLog } from './store-log.js';

/**
 * One cache in the life of a Nest application. It closes in the last hook, after the HTTP server has, so that requests that
 * are being finished can still use it.
 */
export class CacheHost implements OnApplicationShutdown {
  private constructor(private readonly cache: CreatedCache) {}

  static async start(options: CacheOptions): Promise<CacheHost> {
    const log = new StoreLog(options?.name);
    return new CacheHost(
      await createCache(options, {
        onStoreError: (error) => log.failed(error),
        onStoreReady: () => log.recovered(),
        onBreaker: (part, state, reason) => log.breaker(part, state, reason),
        onContact: (kept) => log.contact(kept),
        onWarning: (message) => log.warn(message),
      }),
    );
  }

  get manager(): CacheManager {
    return this.cache.manager;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.cache.close();
  }
}
