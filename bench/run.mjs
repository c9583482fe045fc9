// npm run bench [-- --only <scenario>[,<scenario>]] [--quick] [--cpu] [--write]
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { loadSetups } from './contenders/index.mjs';
import { providePostgres } from './harness/postgres.mjs';
import { provideRedis } from './harness/redis.mjs';
import { report, scenarioSection } from './harness/report.mjs';
import { runScenario } from './harness/run-scenario.mjs';
import { scenarios } from './scenarios.mjs';

const README = fileURLToPath(new URL('README.md', import.meta.url));
const PRETTIER = fileURLToPath(new URL('../node_modules/prettier/bin/prettier.cjs', import.meta.url));
const MARKERS = ['<!-- results -->', '<!-- end of results -->'];

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean' },
    cpu: { type: 'boolean' },
    write: { type: 'boolean' },
  },
});
const chosen = choose(flags.only);
if (flags.write && (flags.quick || flags.cpu || flags.only !== undefined)) {
  throw new Error('--write takes a whole run: leave out the other flags');
}

const setups = await loadSetups();
const redis = await provideRedis();
const postgres = chosen.some((scenario) => scenario.postgres) ? await providePostgres() : undefined;
const begun = performance.now();
const results = [];
try {
  for (const scenario of chosen) {
    process.stderr.write(`${scenario.id} …`);
    const started = performance.now();
    const rows = await runScenario(scenario, setups, { redis, postgres }, flags);
    process.stderr.write(` ${seconds(started)} s\n`);
    results.push({ scenario, rows });
    console.log(`${scenarioSection({ scenario, rows })}\n`);
  }
} finally {
  await Promise.all([redis.stop(), postgres?.stop()]);
}
const text = report(results, describeMachine());
if (flags.write) write(text);
console.log(text.slice(0, text.indexOf(scenarioSection(results[0]))));
process.stderr.write(`${seconds(begun)} s in all\n`);

function seconds(since) {
  return Math.round((performance.now() - since) / 1000);
}

/** The scenarios named by their ids, or by the beginning of them when none has the name itself. */
function choose(only) {
  if (only === undefined) return scenarios;
  const names = only.split(',');
  const found = scenarios.filter(({ id }) =>
    names.some((name) => id === name || (!scenarios.some((one) => one.id === name) && id.startsWith(name))),
  );
  if (found.length > 0) return found;
  throw new Error(`--only ${only}: the scenarios are ${scenarios.map(({ id }) => id).join(', ')}`);
}

function describeMachine() {
  const packages = [...new Set([...setups.values()].map((setup) => setup.package).filter(Boolean))];
  const versions = packages.map((name) => `${name} ${versionOf(name)}`).join(', ');
  const database = postgres === undefined ? '' : ` and PostgreSQL ${postgres.version}`;
  return (
    `Measured on ${availableParallelism()} cores, ${process.platform} ${process.arch}, Node ${process.versions.node}, ` +
    `Redis ${redis.version}${database} on the same machine, with ${versions}.`
  );
}

function versionOf(name) {
  const file = new URL(`node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')).version;
}

function write(tables) {
  const readme = readFileSync(README, 'utf8');
  const [start, end] = MARKERS.map((marker) => readme.indexOf(marker));
  if (start < 0 || end < start) throw new Error(`README.md lacks the markers ${MARKERS.join(' and ')}`);
  const head = readme.slice(0, start + MARKERS[0].length);
  writeFileSync(README, `${head}\n\n${tables}\n\n${readme.slice(end)}`);
  execFileSync(process.execPath, [PRETTIER, '--write', README], { stdio: 'ignore' });
}
