import { applyDecorators, UseInterceptors } from '@nestjs/common';

import { CacheDecoratorError, CacheError } from '../primitives/errors.js';
import type { CacheResponseOptions } from './cache-response-options.js';
import { decorated } from './decorated.js';
import { setCachedReplies, setNoCache, setResponseOptions } from './metadata.js';
import { ResponseCacheInterceptor } from './response-cache.interceptor.js';
import { checkResponseOptions } from './response-policy.js';

/** Stands on a controller or on one of its methods. */
export type ClassOrMethodDecorator = ClassDecorator & MethodDecorator;

/**
 * Caches the responses to GET requests of a handler, or of all handlers of a controller; also the replies of an RPC request
 * handler. A handler's options are laid over its controller's, and those over `ResponseCacheModule.forRoot`'s.
 *
 * @example
 * ```ts
 * @Get(':id')
 * @CacheResponse({ ttl: '5m', tags: ({ params }) => [`product:${params.id}`] })
 * product(@Param('id') id: string): Promise<Product> { … }
 *
 * @Get('me')
 * @CacheResponse({ ttl: '1m', scope: 'private', identity: ({ user }) => user?.id })
 * me(@Req() request: Request): Promise<Profile> { … }
 * ```
 * @throws CacheDecoratorError when the class is defined and an option is wrong
 */
export function CacheResponse(options: CacheResponseOptions): ClassOrMethodDecorator {
  return applyDecorators(
    mark('CacheResponse', (target, place) => {
      try {
        checkResponseOptions(options);
      } catch (error) {
        if (!(error instanceof CacheError)) throw error;
        throw new CacheDecoratorError(`@CacheResponse on ${place}: ${error.message}`, { cause: error });
      }
      setResponseOptions(target, { ...options });
      setCachedReplies(target);
    }),
    UseInterceptors(ResponseCacheInterceptor),
  );
}

/**
 * Leaves a handler, or the handlers of a controller, out of what is cached for their controller or for all of the application. What their
 * requests with unsafe methods change is invalidated all the same.
 */
export function NoCache(): ClassOrMethodDecorator {
  return mark('NoCache', (target) => setNoCache(target));
}

function mark(name: string, set: (subject: object, place: string) => void): ClassOrMethodDecorator {
  return (target: object, key?: string | symbol, descriptor?: PropertyDescriptor) => {
    const { subject, place } = decorated(name, target, key, descriptor);
    set(subject, place);
  };
}
