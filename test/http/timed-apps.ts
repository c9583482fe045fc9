import type { Type } from '@nestjs/common';
import { jest } from '@jest/globals';

import { CacheManager, type CacheOptions } from '../../lib/index.js';
import { type Bench, benchOf, closeBenches } from '../support/caches.js';
import { type AdapterName, type AppOptions, HttpApp } from './apps.js';

/** An application on a clock that is moved by hand. */
export interface TimedApp {
  readonly app: HttpApp;
  readonly bench: Bench;
}

const open: HttpApp[] = [];

/** @param defaults those of the cache */
export async function timedApp(
  adapter: AdapterName,
  controllers: readonly Type[],
  { defaults, ...options }: AppOptions & Pick<CacheOptions, 'defaults'> = {},
): Promise<TimedApp> {
  const bench = await benchOf('memory', { ...(defaults && { defaults }) });
  const { clock, cache } = bench;
  const begun = 1_800_000_000_000 - clock.now();
  jest.spyOn(Date, 'now').mockImplementation(() => begun + clock.now());
  const app = await HttpApp.start(adapter, controllers, { override: [[CacheManager, cache]], ...options });
  open.push(app);
  return { app, bench };
}

/** For `afterEach`. */
export async function closeTimedApps(): Promise<void> {
  await Promise.all(open.splice(0).map((app) => app.close()));
  await closeBenches();
  jest.restoreAllMocks();
}
