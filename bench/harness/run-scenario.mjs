import { ContenderProcess } from './contender-process.mjs';
import { median, quantile, spread } from './statistics.mjs';

const FULL = { rounds: 11, roundMs: 100, warmMs: 200, warmOperations: 20_000, warmAtMostMs: 1_500 };
const QUICK = {
  rounds: 3,
  roundMs: 40,
  warmMs: 100,
  warmOperations: 5_000,
  warmAtMostMs: 500,
  entries: 20_000,
};

/** How many contenders work at a time when nothing is timed. */
const SIDE_BY_SIDE = 2;

/**
 * Runs a scenario: every contender is started and warmed up, then they take turns, a round each.
 * @param servers { redis, postgres }, the latter where a scenario wants it
 * @param mode { quick, cpu }
 * @returns one summary per row, see {@link summarise}
 */
export async function runScenario(scenario, setups, { redis, postgres }, mode) {
  const rows = rowsOf(scenario, setups);
  for (const row of rows) row.process = new ContenderProcess(row.setup.file, taskOf(scenario, row, mode));
  try {
    await sideBySide(rows, (row) => row.process.open({ redisUrl: redis.url, postgresUrl: postgres?.url }));
    for (let round = roundsOf(scenario, mode); round > 0; round--) {
      // Bytes are the same whoever else is running.
      if (scenario.unit === 'bytes') await sideBySide(rows, runRound);
      else for (const row of rows) await runRound(row);
    }
    for (const row of rows) await row.process.close();
  } finally {
    for (const row of rows) row.process.kill();
    await redis.empty();
  }
  return summarise(scenario, rows);
}

async function runRound(row) {
  const { value, loads } = await row.process.round();
  row.values.push(value);
  if (loads !== undefined) row.loads.push(loads);
}

async function sideBySide(rows, work) {
  const waiting = [...rows];
  await Promise.all(
    Array.from({ length: SIDE_BY_SIDE }, async () => {
      for (let row = waiting.shift(); row !== undefined; row = waiting.shift()) await work(row);
    }),
  );
}

function rowsOf({ setups: ids, operations, baseline, baselineOperation }, setups) {
  return ids.flatMap((id) => {
    const setup = setups.get(id);
    if (setup === undefined) throw new Error(`there is no set-up '${id}'`);
    const wanted = id === baseline && baselineOperation !== undefined ? [baselineOperation] : operations;
    return wanted
      .filter((operation) => operation in setup.offers)
      .map((operation) => ({ id: `${id} ${operation}`, setup, operation, values: [], loads: [] }));
  });
}

function taskOf(scenario, { setup, operation }, { quick, cpu }) {
  const { rounds: _, entries, ...timing } = quick ? QUICK : FULL;
  const { workload, width, bytes, keys, batch, callers, read, hits } = scenario;
  return {
    ...timing,
    setup: setup.id,
    operation,
    workload,
    width,
    bytes,
    keys,
    batch,
    callers,
    read,
    hits,
    cpu,
    entries: scenario.entries && (entries ?? scenario.entries),
  };
}

function roundsOf(scenario, { quick }) {
  return quick ? Math.min(QUICK.rounds, scenario.rounds ?? QUICK.rounds) : (scenario.rounds ?? FULL.rounds);
}

/** Gives each row its medians, and its ratio to the baseline: of the same round each time, so that a slower minute hits both. */
function summarise({ baseline, subtract, unit }, rows) {
  const valuesOf = (id) => rows.find(({ setup }) => setup.id === id).values;
  const base = valuesOf(baseline);
  const alone = subtract === undefined ? undefined : valuesOf(subtract);
  const beside = (values) => (alone === undefined ? values : values.map((value, i) => value - alone[i]));
  const besideBase = beside(base);
  return rows.map(({ id, setup, operation, values, loads }) => {
    const own = beside(values);
    const ratios = own.map((value, i) => value / besideBase[i]);
    return {
      id,
      setup,
      operation,
      unit,
      value: median(values),
      beside: median(own),
      ratio: median(ratios),
      low: quantile(ratios, 0.25),
      high: quantile(ratios, 0.75),
      spread: spread(values),
      loads: loads.length === 0 ? undefined : median(loads),
      isBaseline: setup.id === baseline,
      isSubtracted: setup.id === subtract,
    };
  });
}
