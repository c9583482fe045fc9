import { applyDecorators, UseInterceptors } from '@nestjs/common';

import { unknownOption } from '../primitives/did-you-mean.js';
import { CacheDecoratorError } from '../primitives/errors.js';
import { show } from '../primitives/show.js';
import { CacheInvalidationInterceptor } from './cache-invalidation.interceptor.js';
import type { HttpRequest } from './exchange.js';
import { setInvalidation } from './metadata.js';

/** Names, or a function of the request and of what the handler returned. Of an RPC handler the request is its payload. */
export type Invalidated = readonly string[] | ((request: HttpRequest, result: unknown) => readonly string[]);

/** What {@link InvalidatesResponses} takes. */
export interface InvalidatesResponsesOptions {
  /** Tags whose entries become unusable, be they responses or anything else. */
  tags?: Invalidated;
  /** Paths of this application whose responses become unusable, with all their queries, besides the request's own. */
  paths?: Invalidated;
  /** Keys to delete. */
  keys?: Invalidated;
  /** Patterns whose keys are deleted, as for `CacheManager.clearPattern`. */
  patterns?: Invalidated;
  /** The name of the cache to use, instead of the default one. */
  cache?: string;
}

const LISTS = ['tags', 'paths', 'keys', 'patterns'] as const;
const NAMES = [...LISTS, 'cache'];

/**
 * Invalidates after a handler's response was a success (2xx or 3xx), and before that response is sent: whoever has it gets
 * nothing older. Of a stream that is when it begins, and again before its end is sent; of a client that leaves, when it does, and again
 * when the handler is done. Besides what is named, that is the request's own address, if its method is not a safe one, and those in `Location` and
 * `Content-Location` (RFC 9111 4.4).
 *
 * @example
 * ```ts
 * @Put(':id')
 * @InvalidatesResponses({ tags: ({ params }) => [`product:${params.id}`], paths: ['/products'] })
 * update(@Param('id') id: string, @Body() change: Change): Promise<Product> { … }
 * ```
 * @throws CacheDecoratorError when the class is defined and an option is wrong
 */
export function InvalidatesResponses(options: InvalidatesResponsesOptions = {}): MethodDecorator {
  const mark: MethodDecorator = (target, key, descriptor) => {
    check(options, `@InvalidatesResponses on ${target.constructor.name}.${String(key)}`);
    setInvalidation(descriptor.value as object, { ...options });
  };
  return applyDecorators(mark, UseInterceptors(CacheInvalidationInterceptor));
}

function check(options: InvalidatesResponsesOptions, place: string): void {
  for (const name of Object.keys(options)) {
    if (NAMES.includes(name)) continue;
    throw new CacheDecoratorError(`${place}: ${unknownOption(name, NAMES)}`);
  }
  for (const name of LISTS) {
    const given: unknown = options[name];
    const fits =
      given === undefined ||
      typeof given === 'function' ||
      (Array.isArray(given) && given.every((one) => typeof one === 'string'));
    if (!fits)
      throw new CacheDecoratorError(
        `${place}: ${name} is ${show(given)}: expected a list of strings or a function`,
      );
  }
}
