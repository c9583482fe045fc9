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
    return new CacheHost(await createCache(options, new StoreLog(options?.name).surroundings));
  }

  get manager(): CacheManager {
    return this.cache.manager;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.cache.close();
  }
}
