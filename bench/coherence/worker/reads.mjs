import { KEYS, tagsOf } from '../keys.mjs';

const WEIGHTS = { getOrSet: 80, get: 10, getMany: 5, getOrSetMany: 5 };

/** Everything that reads the cache, with those calls that it has. */
export class Reads {
  #weights;

  constructor({ cache, calls, recorder, loader, random }) {
    Object.assign(this, { cache, calls, recorder, loader, random });
    this.#weights = Object.fromEntries(Object.entries(WEIGHTS).filter(([name]) => name in cache));
  }

  /** Reads a key, or some of which it is one, in one of the ways there are. */
  any(key = this.random.pick(KEYS)) {
    const operation = this.random.weighted(this.#weights);
    const several = operation.endsWith('Many');
    const keys = several ? [...new Set([key, ...this.random.some(KEYS, 4)])] : [key];
    return this.calls.make(
      `${operation} ${keys.join(' ')}`,
      () => this[operation](keys),
      (begin, end, values, error) => this.#record(operation, keys, begin, end, values, error),
    );
  }

  async getOrSet([key]) {
    const load = () => this.#load([key]).then((values) => values.get(key));
    return new Map([[key, await this.cache.getOrSet(key, load, tagsOf(key))]]);
  }

  async get([key]) {
    return new Map([[key, await this.cache.get(key)]]);
  }

  async getMany(keys) {
    return this.cache.getMany(keys);
  }

  async getOrSetMany(keys) {
    return this.cache.getOrSetMany(keys, (missing) => this.#load(missing), tagsOf);
  }

  #load(keys) {
    this.recorder.count('loads');
    return this.loader.loadMany(keys);
  }

  #record(operation, keys, begin, end, values, error) {
    if (error !== undefined) {
      this.recorder.failure('failedReads', { operation, error: String(error?.stack ?? error) });
      return;
    }
    const mayMiss = operation === 'get' || operation === 'getMany';
    for (const key of keys) {
      const value = values.get(key) ?? undefined;
      if (value === undefined && mayMiss) this.recorder.count('missing');
      else this.recorder.read(operation, key, begin, end, value);
    }
  }
}
