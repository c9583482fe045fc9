import { deepStrictEqual } from 'node:assert';
import { setTimeout as delay } from 'node:timers/promises';

import { makeKey, makeValue } from './values.mjs';

/**
 * What is measured. Each workload gets an open contender ready and returns the function that runs one round.
 * `task` is { setup, operation, width, bytes, keys, batch, callers, entries, read, argumentOf, cpu, roundMs } and what
 * {@link warmUp} takes.
 */
export const workloads = { read: readOrWrite, write: readOrWrite, readMany, call, stampede, heap };

/** Nanoseconds per operation. */
async function readOrWrite(adapter, task) {
  const { keys, values } = await fill(adapter, task);
  const loads = { count: 0 };
  const run = runnerOf(adapter, task, keys, values, loads);
  const perRound = await warmUp(run, task);
  return async () => {
    const ns = await timed(task, () => run(perRound));
    if (loads.count > 0) throw new Error(`${task.setup} ran the loader: these were no hits`);
    return { value: ns / perRound };
  };
}

/** Nanoseconds per call. */
async function readMany(adapter, task) {
  const { keys } = await fill(adapter, task);
  const batches = Array.from({ length: Math.floor(keys.length / task.batch) }, (_, i) =>
    keys.slice(i * task.batch, (i + 1) * task.batch),
  );
  const found = await adapter.getMany(batches[0]);
  deepStrictEqual(plain(found[1]), makeValue(1, task.bytes));
  async function run(count) {
    for (let i = 0; i < count; i++) await adapter.getMany(batches[i % batches.length]);
  }
  const perRound = await warmUp(run, task);
  return async () => ({ value: (await timed(task, () => run(perRound))) / perRound });
}

/**
 * Nanoseconds per call of an operation that is given 0, 1, 2, … What the adapter has to do before each call is not timed.
 * Hits that reach the database fail the run.
 */
async function call(adapter, task) {
  const operation = adapter[task.operation];
  const before = adapter.before?.[task.operation];
  let next = 0;
  let ns = 0;
  async function run(count) {
    if (before === undefined) {
      ns += await timed(task, async () => {
        for (let i = 0; i < count; i++) await operation(next++);
      });
      return;
    }
    for (let i = 0; i < count; i++, next++) {
      await before(next);
      ns += await timed(task, () => operation(next));
    }
  }
  const perRound = await warmUp(run, task);
  return async () => {
    ns = 0;
    const statements = adapter.statements?.();
    await run(perRound);
    if (task.hits && adapter.statements?.() !== statements) throw new Error(`${task.setup}: no hits`);
    return { value: ns / perRound };
  };
}

/** Nanoseconds until all callers of one cold key have its value; and how often it was loaded. */
async function stampede(adapter, task) {
  let key = 0;
  return async () => {
    const name = makeKey(`bench:${task.setup}:cold`, key++);
    let loads = 0;
    const loader = async () => {
      loads++;
      await delay(1);
      return makeValue(key, task.bytes);
    };
    const value = await timed(task, () =>
      Promise.all(Array.from({ length: task.callers }, () => adapter.getOrSet(name, loader))),
    );
    return { value, loads };
  };
}

/** Bytes of heap per entry, the key and the value included. */
async function heap(adapter, { entries, bytes, read }) {
  return async () => {
    const before = heapUsed();
    for (let i = 0; i < entries; i++) await adapter.set(`user:${i}`, plain(makeValue(i, bytes)));
    if (read) for (let i = 0; i < entries; i++) await adapter.get(`user:${i}`);
    // Timers and promises of the calls above are let go of first.
    await delay(50);
    return { value: (heapUsed() - before) / entries };
  };
}

function runnerOf(adapter, { operation, width, keys: count }, keys, values, loads) {
  const mask = count - 1;
  const loader = async () => void loads.count++;
  const runners = {
    async get(from, step, end) {
      for (let i = from; i < end; i += step) await adapter.get(keys[i & mask]);
    },
    async getOrSet(from, step, end) {
      for (let i = from; i < end; i += step) await adapter.getOrSet(keys[i & mask], loader);
    },
    async set(from, step, end) {
      for (let i = from; i < end; i += step) await adapter.set(keys[i & mask], values[i & mask]);
    },
  };
  const run = runners[operation];
  if (width === 1) return (end) => run(0, 1, end);
  // Callers side by side, each of which asks again as soon as it has its answer.
  return (end) => Promise.all(Array.from({ length: width }, (_, i) => run(i, width, end)));
}

/** Stores every value, and checks that each is read as it was. */
async function fill(adapter, { keys: count, bytes, setup, argumentOf }) {
  const keys = Array.from({ length: count }, (_, i) => argumentOf?.(i) ?? makeKey(`bench:${setup}`, i));
  const values = keys.map((_, i) => makeValue(i, bytes));
  for (const [i, key] of keys.entries()) {
    if (adapter.set !== undefined) await adapter.set(key, values[i]);
    const read = adapter.getOrSet ?? adapter.get;
    for (let time = 0; time < 2; time++) {
      const value = await read(key, async () => values[i]);
      deepStrictEqual(plain(value), values[i]);
    }
  }
  return { keys, values };
}

/**
 * Runs until the compiler has done its work, and finds how many operations make a round. A slow operation needs as many runs
 * to be compiled as a quick one, so they are counted too; but it does not get more than `warmAtMostMs`.
 */
async function warmUp(run, task) {
  const { warmMs, warmOperations, warmAtMostMs, roundMs, width = 1 } = task;
  const begun = performance.now();
  let count = width;
  let operations = 0;
  let ns = 0;
  for (let spent = 0; spent < warmMs || operations < warmOperations; spent = performance.now() - begun) {
    if (spent > warmAtMostMs) break;
    ns = await timed(task, () => run(count));
    operations += count;
    if (ns < (roundMs * 1e6) / 2) count *= 2;
  }
  return Math.max(width, Math.round(count * ((roundMs * 1e6) / ns)));
}

/** Nanoseconds that `work` takes; of processor time, if asked for, which other programs on the machine disturb less. */
async function timed({ cpu }, work) {
  const now = cpu ? processorTime : wallTime;
  const begun = now();
  await work();
  return now() - begun;
}

function wallTime() {
  return performance.now() * 1e6;
}

function processorTime() {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1e3;
}

function heapUsed() {
  for (let i = 0; i < 4; i++) globalThis.gc();
  const { heapUsed: used, external } = process.memoryUsage();
  return used + external;
}

function plain(value) {
  return JSON.parse(JSON.stringify(value));
}
