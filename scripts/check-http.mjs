// npm run check:http -- <a copy of http-tests/cache-tests> [--fastify] [--uncached] [--all] [--id <test>]
// Runs the public tests for HTTP caches against a Nest application whose handler is the suite's own origin, behind the
// interceptor. Exits with 0 if the tests that do not pass are those that docs/http-conformance.md lists, and no others.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { startOrigin } from './http/application.mjs';
import { runClient } from './http/client.mjs';
import { contradictions } from './http/expectations.mjs';
import { readListed } from './http/listed.mjs';
import { report } from './http/report.mjs';
import { openSuite } from './http/suite.mjs';
import { judge } from './http/verdicts.mjs';

const LIST = fileURLToPath(new URL('../docs/http-conformance.md', import.meta.url));

const { values: asked, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    fastify: { type: 'boolean', default: false },
    uncached: { type: 'boolean', default: false },
    all: { type: 'boolean', default: false },
    id: { type: 'string' },
  },
});
const [folder, ...others] = positionals;
if (folder === undefined || others.length > 0) {
  throw new Error(
    'one argument is needed: the folder with a copy of https://github.com/http-tests/cache-tests',
  );
}

const suite = await openSuite(folder);
const origin = await startOrigin(suite, { fastify: asked.fastify, cached: !asked.uncached });
let outcomes;
try {
  outcomes = await runClient(suite, origin.url, asked.id);
} finally {
  await origin.close();
}

const verdicts = judge(suite, outcomes);
report(verdicts, { all: asked.all || asked.id !== undefined });
// A part of the suite, or no cache at all, says nothing about the list.
if (asked.id === undefined && !asked.uncached) {
  const wrong = contradictions(verdicts, readListed(LIST));
  for (const line of wrong) console.log(line);
  process.exitCode = wrong.length === 0 ? 0 : 1;
}
