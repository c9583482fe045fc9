import { isOwned, KEYS, mayChange, tagsOf, TARGETS } from '../keys.mjs';
import { now } from '../time.mjs';

const WEIGHTS = {
  delete: 38,
  deleteMany: 12,
  set: 16,
  invalidateTags: 14,
  clearPrefix: 9,
  clearPattern: 8,
  clear: 3,
};

/** Changes rows and then invalidates what depends on them, with those calls that the cache has. */
export class Writes {
  #weights;
  /** Rows that may be set, while an earlier change of them has not been acknowledged or refused. */
  #changing = new Set();

  constructor({ cache, calls, recorder, database, random, process, slot, processes }) {
    Object.assign(this, { cache, calls, recorder, database, random, process, slot, processes });
    this.#weights = Object.fromEntries(Object.entries(WEIGHTS).filter(([name]) => name in cache));
  }

  /** @returns the keys that were invalidated; none if there was nothing to change */
  async any() {
    const kind = this.random.weighted(this.#weights);
    const { target, keys } = this.#choose(kind);
    const changed = this.random.some(
      keys.filter((key) => this.#isFree(key)),
      kind === 'deleteMany' ? keys.length : this.random.pick([1, 1, 2, 3]),
    );
    if (changed.length === 0) return [];
    const owned = changed.filter(isOwned);
    for (const key of owned) this.#changing.add(key);
    const versions = await this.database.change(changed, keys);
    const covers = keys.map((key, i) => [key, versions[i]]);
    await this.calls.make(
      `${kind} ${target}`,
      () => this.#invalidate(kind, target, covers),
      (begin, end, _, error) => {
        for (const key of owned) this.#changing.delete(key);
        this.recorder.invalidation(kind, target, begin, end, covers, error);
      },
    );
    return keys;
  }

  #choose(kind) {
    if (kind !== 'deleteMany') return this.random.pick(TARGETS[kind]);
    const keys = this.random.some(KEYS, 2 + Math.floor(this.random.next() * 4));
    const free = keys.filter((key) => this.#isFree(key));
    return { target: free.join(' '), keys: free };
  }

  #isFree(key) {
    return mayChange(key, this.slot, this.processes) && !this.#changing.has(key);
  }

  #invalidate(kind, target, covers) {
    if (kind === 'deleteMany') return this.cache.deleteMany(covers.map(([key]) => key));
    if (kind !== 'set') return this.cache[kind](target);
    const [[key, version]] = covers;
    const time = now();
    const value = { key, version, load: { isSet: true, process: this.process, begin: time, end: time } };
    return this.cache.set(key, value, tagsOf(key));
  }
}
