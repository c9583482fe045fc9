// Compares ways to encode cached values: `npm run compare`. Prints markdown; times are ratios to the first line's.
import { contenders } from './contenders.mjs';
import { fidelity } from './fidelity.mjs';
import { values } from './values.mjs';

const ROUNDS = 21;
const MILLISECONDS_PER_ROUND = 10;

/**
 * Runs all contenders in turn, many times, so that a noisy moment hits all of them; medians in microseconds. Counted is
 * the processor time of this process, garbage collection included, so that other processes disturb less.
 */
function measure(tasks) {
  const runs = tasks.map((task) => calls(task));
  const times = tasks.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    tasks.forEach((task, i) => times[i].push(time(task, runs[i])));
  }
  return times.map(median);
}

/** How often a task is to be called so that it takes a round; warms it up as well. */
function calls(task) {
  let count = 1;
  while (time(task, count) * count < MILLISECONDS_PER_ROUND * 1000) count *= 2;
  return count;
}

function time(task, count) {
  const start = process.cpuUsage();
  for (let i = 0; i < count; i++) task();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / count;
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
}

/** The bytes of a value, if it can be encoded and decoded. */
function tryOut({ encode, decode }, value) {
  try {
    const bytes = encode(value);
    decode(bytes);
    return bytes;
  } catch {
    return undefined;
  }
}

function speed(name, value) {
  const all = Object.entries(contenders).map(([contender, codec]) => ({
    contender,
    codec,
    bytes: tryOut(codec, value),
  }));
  const able = all.filter(({ bytes }) => bytes !== undefined);
  const encode = measure(
    able.map(
      ({ codec }) =>
        () =>
          codec.encode(value),
    ),
  );
  const decode = measure(
    able.map(
      ({ codec, bytes }) =>
        () =>
          codec.decode(bytes),
    ),
  );
  const cell = (times, i) => (i === 0 ? `${times[0].toFixed(2)} µs` : `${(times[i] / times[0]).toFixed(2)}×`);
  console.log(`\n| ${name} | bytes | encode | decode |\n|---|---|---|---|`);
  able.forEach(({ contender, bytes }, i) => {
    console.log(`| ${contender} | ${bytes.length} | ${cell(encode, i)} | ${cell(decode, i)} |`);
  });
  for (const { contender, bytes } of all)
    if (bytes === undefined) console.log(`| ${contender} | fails | | |`);
}

function fidelityTable() {
  const results = Object.entries(contenders).map(([name, codec]) => [name, fidelity(codec)]);
  console.log(`\n| | ${results.map(([name]) => name).join(' | ')} |\n|---|${'---|'.repeat(results.length)}`);
  for (const feature of Object.keys(results[0][1])) {
    console.log(`| ${feature} | ${results.map(([, has]) => (has[feature] ? '✓' : '–')).join(' | ')} |`);
  }
}

console.log(`Node ${process.version}, ${process.platform} ${process.arch}`);
for (const [name, value] of Object.entries(values)) speed(name, value);
fidelityTable();
