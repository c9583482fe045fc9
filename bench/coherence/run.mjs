// npm run check:coherence [-- --minutes <n>] [--seed <n>] [--only <library>] [--processes <n>] [--peers] [--write]
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';

import { write } from './report/page.mjs';
import { Examples, print, save } from './checker/examples.mjs';
import { Figures } from './checker/figures.mjs';
import { loadLibrary, PEERS, SUBJECT } from './libraries/index.mjs';
import { runPart } from './part.mjs';
import { report } from './report/table.mjs';
import { faultyStage, sentinelStage } from './stages/index.mjs';

/** Small, so that a connection is often silent for longer. */
const MAX_STALENESS = 2_000;

/** The parts of a run, and their share of its time. */
const PARTS = [
  { part: 'faults', share: 0.5, strict: true, open: faultyStage },
  { part: 'faults, not strict', share: 0.25, strict: false, open: faultyStage },
  { part: 'failovers', share: 0.25, strict: true, open: sentinelStage },
];

const settings = readSettings();
console.log(
  `${settings.minutes} min with ${settings.processes} processes, maxStaleness ${MAX_STALENESS / 1000} s, ` +
    `--seed ${settings.seed}`,
);
const results = [];
for (const id of settings.libraries) results.push(await check(id));
const table = report(results, settings);
console.log(`\n${table}`);
if (settings.write) write(table);
for (const { library, broken } of results) {
  for (const one of broken) console.log(`${library.name}: ${one}`);
  if (library.promises && broken.length > 0) process.exitCode = 1;
}

/** All parts with one library. */
async function check(id) {
  const library = await loadLibrary(id);
  const figures = new Figures();
  const parts = [];
  const examples = [];
  for (const [index, { part, share, strict, open }] of PARTS.entries()) {
    const milliseconds = settings.minutes * 60_000 * share;
    process.stderr.write(`${library.name}, ${part}: ${Math.round(milliseconds / 1000)} s …\n`);
    const given = { ...settings, library: id, milliseconds, strict, maxStaleness: MAX_STALENESS };
    // Each part has faults of its own.
    const stage = await open({ ...given, seed: given.seed + index, entryPrefix: library.entryPrefix });
    const result = await runPart({ part, settings: given, stage });
    figures.merge(result.figures);
    parts.push({ part, strict, figures: result.figures });
    examples.push(result.examples);
  }
  const broken = parts.flatMap((one) =>
    one.figures.breaches(one.strict).map((breach) => `${one.part}: ${breach}`),
  );
  const all = Examples.all(examples);
  if (all.length > 0) console.log(`${library.name}: examples are in ${save(id, all)}`);
  if (library.promises) print(all);
  return { id, library, figures, parts, broken };
}

function readSettings() {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '1' },
      seed: { type: 'string', default: String(randomInt(2 ** 31)) },
      processes: { type: 'string', default: '4' },
      only: { type: 'string' },
      peers: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
    },
  });
  const { only, peers, write: writes } = values;
  if (writes && only !== undefined) throw new Error('--write takes all libraries: leave out --only');
  const libraries = only === undefined ? [SUBJECT, ...(peers || writes ? PEERS : [])] : [only];
  return {
    libraries,
    write: writes,
    minutes: number('minutes', values.minutes, 0.1),
    seed: number('seed', values.seed, 0),
    processes: number('processes', values.processes, 2),
  };
}

function number(name, text, least) {
  const value = Number(text);
  if (Number.isFinite(value) && value >= least) return value;
  throw new Error(`--${name} ${text}: it must be a number, ${least} or more`);
}
