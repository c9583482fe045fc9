import type { ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { CacheManager, CacheModule, type CacheModuleOptions } from '../../lib/index.js';

const open: TestingModule[] = [];

/** A started application with caches of these options; a default one, unless said otherwise. */
export async function appOf(
  metadata: ModuleMetadata,
  caches: readonly CacheModuleOptions[] = [{}],
): Promise<TestingModule> {
  const imports = [...caches.map((options) => CacheModule.forRoot(options)), ...(metadata.imports ?? [])];
  const app = await Test.createTestingModule({ ...metadata, imports }).compile();
  open.push(await app.init());
  return app;
}

/** Closes what {@link appOf} started; for `afterEach`. */
export async function closeApps(): Promise<void> {
  await Promise.all(open.splice(0).map((app) => app.close()));
}

export function cacheOfApp(app: TestingModule): CacheManager {
  return app.get(CacheManager);
}
