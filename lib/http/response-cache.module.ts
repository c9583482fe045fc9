import { type DynamicModule, Inject, Logger, Module, type OnModuleInit, Optional } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';

import { CacheConfigError, CacheError } from '../primitives/errors.js';
import { interceptorsOf } from './all-handlers.js';
import type { CacheResponseOptions } from './cache-response-options.js';
import { RESPONSE_CACHE_DEFAULTS, ResponseCacheInterceptor } from './response-cache.interceptor.js';
import { checkResponseOptions } from './response-policy.js';

/** Says what holds for all cached responses of an application, where no decorator says anything else. */
@Module({})
export class ResponseCacheModule implements OnModuleInit {
  constructor(
    @Inject(ModulesContainer) private readonly container: ModulesContainer,
    @Optional() @Inject(RESPONSE_CACHE_DEFAULTS) private readonly defaults: CacheResponseOptions = {},
  ) {}

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

  /** Says so when there is nobody to whom the options apply. */
  onModuleInit(): void {
    if (Object.keys(this.defaults).length === 0) return;
    if (interceptorsOf(this.container, ResponseCacheInterceptor).length > 0) return;
    new Logger('ResponseCache').warn(
      'the options of ResponseCacheModule have no effect: nothing is cached. Add { provide: APP_INTERCEPTOR, useClass: ResponseCacheInterceptor } ' +
        'to the providers for all of the application, or @CacheResponse to handlers and controllers',
    );
  }
}
