import { startRedis } from '../dist/redis-process.js';
import { Crew } from './worker/crew.mjs';
import { Database } from './database.mjs';
import { Examples } from './checker/examples.mjs';
import { Figures } from './checker/figures.mjs';
import { History } from './checker/history.mjs';
import { checkRest } from './checker/rest.mjs';
import { now } from './time.mjs';
import { hadLost, wasCutOff } from './stages/cut-off.mjs';
import { WorkerProcess } from './worker/worker-process.mjs';

/** Long enough that nothing expires: an expired entry cannot be stale. */
const TTL = 600_000;

/** Milliseconds between two lines about a long run. */
const PROGRESS = 60_000;

/** How long there are only reads at the end, and how long it may take until nothing is stale any more, in milliseconds. */
const READS_ONLY = 2_000;
const UNTIL_REST = 10_000;

/**
 * Lets several processes use a library for some time, and judges what they saw.
 * @param settings the library's id; processes, seed, milliseconds, maxStaleness, strict; readsOnly and untilRest for shorter ends
 * @param stage the cache's Redis and what happens to it
 */
export async function runPart({ part, settings, stage }) {
  const {
    library,
    processes,
    seed,
    maxStaleness,
    strict,
    readsOnly = READS_ONLY,
    untilRest = UNTIL_REST,
  } = settings;
  const figures = new Figures();
  const server = await startRedis();
  const database = new Database(server.port);
  const examples = new Examples({ part, seed, begun: stage.begun, faults: stage.log });
  const history = new History({
    maxStaleness,
    figures,
    onBreach: (kind, read, step) => examples.addRead(kind, read, step),
    wasCutOff: (process, from, to) => wasCutOff(stage, process, from, to),
    hadLost: (acknowledged, read, byItself) => hadLost(stage, acknowledged, read, { byItself, maxStaleness }),
  });
  const cacheOf = (place) => ({ redis: stage.address(place), ttl: TTL, maxStaleness, strict });
  const given = { library, processes, seed, databasePort: server.port };
  const crew = new Crew({ settings: given, cacheOf, history, figures, examples });
  const progress = setInterval(() => tellProgress(part, figures.breaches(strict), figures), PROGRESS);
  try {
    await database.create();
    await crew.open();
    examples.begun = stage.begun = now();
    await crew.start();
    await stage.run(settings.milliseconds);
    await stage.heal();
    figures.hanging = await crew.stop(readsOnly);
    history.finish();
    const judging = { database, history, figures, examples, patience: untilRest };
    await lookAtRest({ crew, given, cache: cacheOf(), judging });
  } finally {
    clearInterval(progress);
    await crew.end();
    database.close();
    await Promise.all([server.stop(), stage.stop()]);
  }
  return { figures, examples };
}

function tellProgress(part, broken, { reads, acknowledged }) {
  const breaches = broken.join(', ') || 'no breach';
  process.stderr.write(`  ${part}: ${reads} reads, ${acknowledged} invalidations, ${breaches}\n`);
}

/** Every process looks at its own cache, and one more at Redis, with a new cache at each look. */
async function lookAtRest({ crew, given, cache, judging }) {
  const observer = new WorkerProcess(-1, { onRecords: () => undefined, onEnd: () => undefined });
  const lookEverywhere = async () => [
    ...(await crew.look()),
    { where: 'Redis', entries: await observer.ask('lookAfresh', { fallback: [] }) },
  ];
  try {
    await observer.ask('open', { given: { ...given, looksOnly: true, cache } });
    await checkRest({ lookEverywhere, ...judging });
  } finally {
    await observer.end();
  }
}
