import { Inject } from '@nestjs/common';
import type { InjectionToken } from '@nestjs/common';

import { CacheManager } from '../core/cache-manager.js';
import { DEFAULTS } from '../core/defaults.js';

/** The injection token of a cache: the class `CacheManager` for the default one, a string for a named one. */
export function getCacheToken(name?: string): InjectionToken<CacheManager> {
  return name === undefined || name === DEFAULTS.name ? CacheManager : `TieredCache(${name})`;
}

/** Injects a cache: the default one, or the one of that name. */
export function InjectCache(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getCacheToken(name));
}
