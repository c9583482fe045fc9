import { applyDecorators, UseInterceptors } from '@nestjs/common';

import { unknownOption } from '../primitives/did-you-mean.js';
import { CacheDecoratorError, CacheError } from '../primitives/errors.js';
import { checkFixedName } from '../primitives/fixed-name.js';
import { show } from '../primitives/show.js';
import { CHECKS } from './changes.js';
import { decorated } from './decorated.js';
import type { HttpRequest } from './exchange.js';
import { InvalidatesResponsesInterceptor } from './invalidates-responses.interceptor.js';
import { invalidationOf, setInvalidation } from './metadata.js';

/**
 * Names, or a function of the request and of what the handler returned: of several emissions the last. For an RPC handler the
 * request is its payload, for a GraphQL mutation its arguments, for a WebSocket its message.
 */
export type Invalidated<Request = HttpRequest> =
  readonly string[] | ((request: Request, result: unknown) => readonly string[]);

/** What {@link InvalidatesResponses} takes. `Request` is what the functions are given first. */
export interface InvalidatesResponsesOptions<Request = HttpRequest> {
  /** Tags whose entries become unusable, be they responses or anything else. */
  tags?: Invalidated<Request>;
  /**
   * Paths of this application whose responses become unusable, with all their queries, besides the request's own: as clients ask for
   * them, so with a global prefix. By HTTP only.
   */
  paths?: Invalidated<Request>;
  /** Keys to delete. */
  keys?: Invalidated<Request>;
  /** Patterns whose keys are deleted, as for `CacheManager.clearPattern`. */
  patterns?: Invalidated<Request>;
  /**
   * The name of the cache in which that is, instead of the default one. Addresses go from the cache that has the responses of the
   * controller or the application as well.
   */
  cache?: string;
}

const LISTS = ['tags', 'paths', 'keys', 'patterns'] as const;
const NAMES = [...LISTS, 'cache'];

/**
 * Invalidates after a handler's response was a success (2xx or 3xx), and before that response is sent: whoever has it gets
 * nothing older. Of a stream that is when it begins, and again before its end is sent; of a client that leaves, when
 * the handler is done. Besides what is named, that is the request's own address, if its method is not a safe one, and those in `Location` and
 * `Content-Location` (RFC 9111 4.4).
 *
 * On handlers of microservices, mutations and the like: after the handler has completed without an error, and before its reply is
 * sent. What fails while it invalidates is logged, and the response is sent all the same.
 *
 * @example
 * ```ts
 * @Put(':id')
 * @InvalidatesResponses({ tags: ({ params }) => [`product:${params.id}`], paths: ['/products'] })
 * update(@Param('id') id: string, @Body() change: Change): Promise<Product> { … }
 * ```
 * @throws CacheDecoratorError when the class is defined and an option is wrong
 */
export function InvalidatesResponses<Request = HttpRequest>(
  options: InvalidatesResponsesOptions<Request> = {},
): MethodDecorator {
  const mark: MethodDecorator = (target: object, key?: string | symbol, descriptor?: PropertyDescriptor) => {
    const { subject, place, isClass } = decorated('InvalidatesResponses', target, key, descriptor);
    const fail = (problem: string, cause?: unknown): never => {
      throw new CacheDecoratorError(`@InvalidatesResponses on ${place}: ${problem}`, { cause });
    };
    if (isClass) fail('it says what one handler changes: put it on the methods that change something');
    if (invalidationOf(subject) !== undefined) fail('it is there already: name all in one of them');
    check(options, fail);
    setInvalidation(subject, { ...options } as InvalidatesResponsesOptions);
  };
  return applyDecorators(mark, UseInterceptors(InvalidatesResponsesInterceptor));
}

function check(options: unknown, fail: (problem: string, cause?: unknown) => never): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    fail(`the options must be an object, such as { tags: ['products'] }, not ${show(options)}`);
  }
  const given = options as Record<string, unknown>;
  const unknown = Object.keys(given).find((name) => !NAMES.includes(name));
  if (unknown !== undefined) fail(unknownOption(unknown, NAMES));
  const { cache } = given;
  if (cache !== undefined && typeof cache !== 'string')
    fail(`cache is ${show(cache)}: expected the name of a cache`);
  for (const part of LISTS) {
    const names = given[part];
    if (names === undefined || typeof names === 'function') continue;
    if (!Array.isArray(names)) fail(`${part} is ${show(names)}: expected a list of strings or a function`);
    try {
      for (const name of names as string[]) {
        CHECKS[part](name);
        checkFixedName(name);
      }
    } catch (error) {
      if (!(error instanceof CacheError)) throw error;
      fail(`${part}: ${error.message}`, error);
    }
  }
}
