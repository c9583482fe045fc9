// Proves that the checker finds what it looks for, and nothing else: histories whose outcome is known, then caches with one
// fault each, and one without.
import { testHistory } from './checker/history-test.mjs';
import { loadLibrary } from './libraries/index.mjs';
import { runPart } from './part.mjs';
import { calmStage } from './stages/index.mjs';

/** What each of them does wrong, by the figures that must not be 0. */
const FAULTS = {
  sound: [],
  delayed: ['staleOwn'],
  deaf: ['staleBeyond', 'restStale'],
  late: ['late'],
  forgetful: ['restStale'],
};

const SETTINGS = {
  strict: true,
  processes: 2,
  milliseconds: 2_500,
  maxStaleness: 600,
  readsOnly: 200,
  untilRest: 1_200,
};

/** Faults show by chance: each gets a second one. */
const ATTEMPTS = 2;

testHistory();
const results = await Promise.all(Object.entries(FAULTS).map(([id, faults]) => isFound(id, faults)));
const wrong = results.filter((result) => result !== undefined);
for (const one of wrong) console.error(one);
if (wrong.length > 0) process.exit(1);
console.log(
  `The checker finds the faults of ${Object.keys(FAULTS).slice(1).join(', ')}, and nothing in a sound cache.`,
);

/** @returns what the checker said wrongly, if it did */
async function isFound(id, faults) {
  const library = await loadLibrary(id);
  for (let attempt = 1; ; attempt++) {
    const settings = { ...SETTINGS, library: id, seed: attempt };
    const stage = await calmStage({ ...settings, entryPrefix: library.entryPrefix });
    const { figures } = await runPart({ part: 'self-test', settings, stage });
    const late = figures.lateOwn + figures.lateOther;
    const missed = faults.filter((name) => (name === 'late' ? late : figures[name]) === 0);
    const invented = faults.length === 0 ? figures.breaches(true) : [];
    if (missed.length === 0 && invented.length === 0) return undefined;
    if (attempt === ATTEMPTS)
      return `${id}: not found: ${missed.join(', ')}; found: ${figures.breaches(true).join(', ')}`;
  }
}
