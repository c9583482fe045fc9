import { type DynamicModule, Module } from '@nestjs/common';

import { CacheConfigError, CacheError } from '../primitives/errors.js';
import type { CacheResponseOptions } from './cache-response-options.js';
import { RESPONSE_CACHE_DEFAULTS } from './response-cache.interceptor.js';
import { checkResponseOptions } from './response-policy.js';

/** Says what holds for all cached responses of an application, where no decorator says anything else. */
@Module({})
export class ResponseCacheModule {
  /**
   * @param defaults with a `ttl`, every GET handler that {@link ResponseCacheInterceptor} is put before is cached, except those
   * with {@link NoCache}
   * @throws CacheConfigError when an option is wrong
   */
  static forRoot(defaults: CacheResponseOptions = {}): DynamicModule {
    try {
      checkResponseOptions(defaults);
    } catch (error) {
      if (!(error instanceof CacheError)) throw error;
      throw new CacheConfigError('ResponseCacheModule', `ResponseCacheModule.forRoot: ${error.message}`, {
        cause: error,
      });
    }
    const provider = { provide: RESPONSE_CACHE_DEFAULTS, useValue: Object.freeze({ ...defaults }) };
    return { module: ResponseCacheModule, global: true, providers: [provider], exports: [provider] };
  }
}
