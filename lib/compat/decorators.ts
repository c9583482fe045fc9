import { SetMetadata } from '@nestjs/common';

import { type NamedResponseOptions, NAMES } from '../http/cache-response-options.js';
import { setCachedReplies, setResponseOptions } from '../http/metadata.js';
import { CacheDecoratorError, CacheError } from '../primitives/errors.js';
import { show } from '../primitives/show.js';
import { secondsOf } from './milliseconds.js';
import { nameTag, pathTags } from './response-names.js';
import { CACHE_KEY_METADATA, CACHE_TTL_METADATA } from './tokens.js';

type ClassOrMethod = ClassDecorator & MethodDecorator;

/**
 * Names the responses of a handler: `del(name)` makes them unusable, all of them. It is no key: each address and query has a
 * response of its own. An RPC handler is cached if it has one itself.
 * @throws CacheDecoratorError when the class is defined and the name is no text, such as a function of the context
 */
export function CacheKey(name: string): ClassOrMethod {
  return decorate('CacheKey', CACHE_KEY_METADATA, name, (decorated) => {
    if (typeof name === 'string' && name !== '') {
      setCachedReplies(decorated);
      return { [NAMES]: (request) => [nameTag(name), ...pathTags(request)] };
    }
    throw new CacheDecoratorError(
      `${show(name)} is no name. For a key that is computed write @CacheResponse({ key: (request) => … }), for one response for ` +
        "each user @CacheResponse({ scope: 'private', identity: (request) => request.user?.id })",
    );
  });
}

/**
 * How long the responses of a handler, or of all of a controller, are served. It makes no replies to RPC requests cached: see
 * {@link CacheKey}.
 * @param ttl milliseconds; 0 is for ever
 * @throws CacheDecoratorError when the class is defined and it is no such number, such as a function of the context
 */
export function CacheTTL(ttl: number): ClassOrMethod {
  return decorate('CacheTTL', CACHE_TTL_METADATA, ttl, () => {
    if (typeof ttl !== 'function') return { ttl: secondsOf(ttl) };
    throw new CacheDecoratorError(
      "a ttl that is computed is the response's own: set its Cache-Control, and write @CacheResponse({ freshness: 'origin' })",
    );
  });
}

function decorate(
  name: string,
  token: string,
  given: unknown,
  options: (decorated: object) => NamedResponseOptions,
): ClassOrMethod {
  return (target: object, key?: string | symbol, descriptor?: PropertyDescriptor) => {
    const place =
      key === undefined ? (target as { name: string }).name : `${target.constructor.name}.${String(key)}`;
    const decorated = (descriptor?.value as object | undefined) ?? target;
    try {
      setResponseOptions(decorated, options(decorated));
      SetMetadata(token, given)(decorated as Function);
    } catch (error) {
      if (!(error instanceof CacheError)) throw error;
      throw new CacheDecoratorError(`@${name} on ${place}: ${error.message}`, { cause: error });
    }
  };
}
