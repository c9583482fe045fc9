import { KEYS } from '../keys.mjs';
import { now, sleep } from '../time.mjs';

const PAUSE = 500;

/**
 * When nothing happens any more, and all that was queued had the time to get through, no cache may have anything that is
 * older than the database: looks until two looks in a row find nothing stale, or `patience` is over.
 */
export async function checkRest({ lookEverywhere, database, history, figures, examples, patience }) {
  const current = new Map((await database.versions(KEYS)).map((version, i) => [KEYS[i], version]));
  const until = now() + patience;
  let clean = 0;
  let stale = [];
  while (clean < 2 && now() < until) {
    await sleep(PAUSE);
    const found = (await lookEverywhere()).flatMap(({ where, entries }) =>
      entries.map((entry) => ({ where, ...entry })),
    );
    figures.restLooks = found.length;
    stale = found.filter(({ key, version }) => version < current.get(key));
    clean = stale.length === 0 ? clean + 1 : 0;
  }
  for (const { where, ...entry } of stale) {
    const told = history.outdatedBy(entry.key, entry.version)?.invalidation;
    figures.restStale++;
    if (told === undefined) figures.restStaleUntold++;
    examples.addRest(where, entry, current.get(entry.key), told);
  }
}
