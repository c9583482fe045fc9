import { KEYS } from '../keys.mjs';
import { within } from '../time.mjs';

/** How long a look at all keys may take: a cache that does not answer has nothing to show. */
const PATIENCE = 5_000;

/** What a cache has for each key, without loading any: version and load, where it has one. */
export async function look(cache) {
  const found = [];
  const looks = KEYS.map(async (key) => {
    const value = await cache.get(key);
    if (value?.key === key) found.push({ key, version: value.version, load: value.load });
  });
  await within(PATIENCE, Promise.allSettled(looks));
  return found;
}
