// What is wrong with a decorator of invalidation is said when its class is defined, with a code and a way out.
import { describe, expect, it } from '@jest/globals';

import {
  CacheResponse,
  InvalidatesResponses,
  type InvalidatesResponsesOptions,
  NoCache,
} from '../../lib/http/index.js';

function thrownBy(define: () => unknown): unknown {
  try {
    define();
  } catch (error) {
    return error;
  }
  return 'nothing thrown';
}

describe('@InvalidatesResponses', () => {
  const given = (options: unknown) =>
    thrownBy(() => {
      class Things {
        @InvalidatesResponses(options as InvalidatesResponsesOptions) put() {}
      }
      return Things;
    });

  const anObject = "the options must be an object, such as { tags: ['products'] }, not";
  const aPath = "paths: a path must be a string that begins with a slash, as '/products', not";
  it.each<[unknown, string]>([
    [null, `${anObject} null`],
    ['x', `${anObject} 'x'`],
    [5, `${anObject} 5`],
    [['x'], `${anObject} an array`],
    [() => [], `${anObject} a function`],
    [
      { tag: ['x'] },
      "unknown option tag (did you mean 'tags'?): allowed are tags, paths, keys, patterns, cache",
    ],
    [{ tags: 'x' }, "tags is 'x': expected a list of strings or a function"],
    [{ tags: ['x', ''] }, "tags: a tag must be a well-formed string of 1 to 1024 characters, not ''"],
    [{ tags: [5] }, 'tags: a tag must be a well-formed string of 1 to 1024 characters, not 5'],
    [{ keys: [''] }, 'keys: a key must have 1 to 1024 characters; this one is empty'],
    [{ patterns: [''] }, 'patterns: a pattern must be a well-formed string of 1 to 1024 characters'],
    [{ patterns: [5] }, 'patterns: a pattern must be a well-formed string of 1 to 1024 characters'],
    [{ paths: ['products'] }, `${aPath} 'products'`],
    [{ paths: ['/products', ''] }, `${aPath} ''`],
    [{ paths: ['#'] }, `${aPath} '#'`],
    [{ paths: ['?a=1'] }, `${aPath} '?a=1'`],
    [{ paths: [' '] }, `${aPath} ' '`],
    [{ paths: ['http://shop.example/products'] }, `${aPath} 'http://shop.example/products'`],
    [{ paths: [5] }, `${aPath} 5`],
    [{ cache: 5 }, 'cache is 5: expected the name of a cache'],
  ])('with %p', (options, problem) => {
    expect(given(options)).toMatchObject({
      code: 'CACHE_DECORATOR_INVALID',
      message: `@InvalidatesResponses on Things.put: ${problem}`,
    });
  });

  it('twice', () => {
    const define = () => {
      class Things {
        @InvalidatesResponses({ tags: ['x'] }) @InvalidatesResponses({ tags: ['y'] }) put() {}
      }
      return Things;
    };
    expect(thrownBy(define)).toMatchObject({
      code: 'CACHE_DECORATOR_INVALID',
      message: '@InvalidatesResponses on Things.put: it is there already: name all in one of them',
    });
  });
});

describe.each<[string, ClassDecorator & MethodDecorator & PropertyDecorator]>([
  ['InvalidatesResponses', InvalidatesResponses() as never],
  ['NoCache', NoCache()],
  ['CacheResponse', CacheResponse({ ttl: 1 })],
])('@%s where it has no meaning', (name, decorator) => {
  const onClass = () => {
    @decorator
    class Things {}
    return Things;
  };
  const onProperty = () => {
    class Things {
      @decorator put = () => 'done';
    }
    return Things;
  };
  const onAccessor = () => {
    class Things {
      @decorator get put() {
        return 'done';
      }
    }
    return Things;
  };
  const onStatic = () => {
    class Things {
      @decorator static put() {}
    }
    return Things;
  };

  it.each([
    [
      'a class',
      onClass,
      'Things: it says what one handler changes: put it on the methods that change something',
    ],
    ['a property', onProperty, 'Things.put: this is not a method'],
    ['an accessor', onAccessor, 'Things.put: this is not a method'],
    ['a static method', onStatic, 'Things.put: this is static, and no handler'],
  ])('%s', (on, define, problem) => {
    // Of a class all handlers may be cached, or none.
    if (on === 'a class' && name !== 'InvalidatesResponses') expect(thrownBy(define)).toBe('nothing thrown');
    else
      expect(thrownBy(define)).toMatchObject({
        code: 'CACHE_DECORATOR_INVALID',
        message: `@${name} on ${problem}`,
      });
  });
});
