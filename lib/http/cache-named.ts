import type { ModuleRef } from '@nestjs/core';

import type { CacheManager } from '../core/cache-manager.js';
import { getCacheToken } from '../nest/tokens.js';
import { CacheConfigError } from '../primitives/errors.js';

/** @throws CacheConfigError when the application has no such cache */
export function cacheNamed(modules: ModuleRef, name: string | undefined): CacheManager {
  try {
    return modules.get(getCacheToken(name), { strict: false });
  } catch (cause) {
    const what = name === undefined ? 'CacheModule.forRoot()' : `CacheModule.forRoot({ name: '${name}' })`;
    throw new CacheConfigError(
      'cache',
      `there is no such cache: import ${what} in your application's module`,
      {
        cause,
      },
    );
  }
}
