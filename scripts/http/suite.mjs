import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** What is needed of a copy of the suite: its groups of tests, its verdicts, and the handlers of its origin. */
export async function openSuite(given) {
  const folder = resolve(given);
  if (!existsSync(join(folder, 'test-engine'))) {
    throw new Error(
      `${folder} is no copy of http-tests/cache-tests with a folder test-engine (older ones had none)`,
    );
  }
  const load = (path) => import(pathToFileURL(join(folder, path)).href);
  const [tests, results, config, state, test] = await Promise.all([
    load('tests/index.mjs'),
    load('test-engine/lib/results.mjs'),
    load('test-engine/server/handle-config.mjs'),
    load('test-engine/server/handle-state.mjs'),
    load('test-engine/server/handle-test.mjs'),
  ]);
  return {
    folder,
    groups: tests.default,
    determine: results.determineTestResult,
    resultTypes: results.resultTypes,
    handlers: { config: config.default, state: state.default, test: test.default },
  };
}
