import { Logger, type OnApplicationShutdown } from '@nestjs/common';

import type { CacheManager } from '../core/cache-manager.js';
import type { CacheOptions } from '../core/cache-options.js';
import { type CreatedCache, createCache } from '../create-cache.js';

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

/** Says once when Redis begins to fail and once when it is back, however often the connection is tried in between. */
class StoreLog {
  readonly #logger: Logger;
  #failing = false;
  #deaf = false;

  constructor(name: string | undefined) {
    this.#logger = new Logger(name === undefined ? 'CacheModule' : `CacheModule(${name})`);
  }

  failed(error: Error): void {
    if (this.#failing) return;
    this.#failing = true;
    this.#logger.error(`Redis cannot be reached, the cache goes on without it: ${error.message}`);
  }

  recovered(): void {
    if (!this.#failing) return;
    this.#failing = false;
    this.#logger.log('Redis can be reached again');
  }

  /** As long as Redis as a whole cannot be reached, that has been said. */
  contact(kept: boolean): void {
    if (!kept && !this.#failing) {
      this.#deaf = true;
      this.#logger.warn(
        'other instances have not been heard of for longer than maxStaleness: only entries younger than that are served',
      );
    } else if (kept && this.#deaf) {
      this.#deaf = false;
      this.#logger.log('other instances are heard of again');
    }
  }

  warn(message: string): void {
    this.#logger.warn(message);
  }
}
