import { Inject } from '@nestjs/common';

import type { CacheManager } from '../../core/cache-manager.js';
import { getCacheToken } from '../tokens.js';

/**
 * Has Nest inject a cache into every instance of the class of `prototype` and of its subclasses.
 *
 * The property is a symbol, and not enumerable, so that it appears in no serialisation, copy or comparison.
 * @param name a named cache, or the default one
 * @returns the property
 */
export function injectCache(prototype: object, name: string | undefined): symbol {
  const token = getCacheToken(name);
  const property = Symbol.for(`nestjs-tiered-cache:${typeof token === 'string' ? token : 'default'}`);
  // Where a base class or another method has it already, Nest has been told.
  if (!(property in prototype)) {
    Object.defineProperty(prototype, property, {
      configurable: true,
      get: () => undefined,
      set(this: object, cache: unknown) {
        Object.defineProperty(this, property, { value: cache, configurable: true, writable: true });
      },
    });
    Inject(token)(prototype, property);
  }
  return property;
}

/** The cache of an instance; `undefined` when Nest did not create it, or the method was taken off its instance. */
export function cacheOf(instance: object | undefined, property: symbol): CacheManager | undefined {
  return (instance as Record<symbol, CacheManager | undefined> | undefined)?.[property];
}
