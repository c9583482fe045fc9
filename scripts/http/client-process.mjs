// Started by client.mjs: <folder of the suite> <url of the application> [id of the only test to run].
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, url, id] = process.argv.slice(2);

/** Tests at a time. More of them save little, since the longest in each lot is what counts. */
const AT_ONCE = 50;

await useInstalledUndici();
const { default: groups } = await load('tests/index.mjs');
const { runTests, getResults } = await load('test-engine/client/runner.mjs');

// The last editions left out the second parameter, a fetch: theirs is that of Node.
const options = runTests.length > 3 ? [globalThis.fetch, false, url] : [false, url];
await runTests(selected(), ...options, AT_ONCE);
process.send(getResults(), () => process.disconnect());

function selected() {
  if (id === '') return groups;
  const found = groups
    .map((group) => ({ ...group, tests: group.tests.filter((test) => test.id === id) }))
    .filter(({ tests }) => tests.length > 0);
  if (found.length === 0) throw new Error(`the suite has no test ${id}`);
  // The suite then prints the requests and answers of both sides.
  for (const { tests } of found) tests[0].dump = true;
  return found;
}

/**
 * The tests of interim responses put an interceptor of undici 7 in front of Node's fetch. Before Node 24 that is an older
 * undici, which has to be kept from setting the dispatcher that both share: whoever comes first does.
 */
async function useInstalledUndici() {
  try {
    await import(pathToFileURL(createRequire(join(folder, 'package.json')).resolve('undici')).href);
  } catch {
    console.error(
      `undici is not installed in ${folder} (npm install undici@7): the tests of interim responses will fail`,
    );
  }
}

function load(path) {
  return import(pathToFileURL(join(folder, path)).href);
}
