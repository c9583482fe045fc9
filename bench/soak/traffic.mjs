import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';

/** More keys than memory holds; as time goes on new ones come into use and old ones go out of it. */
const KEYS_IN_USE = 20_000;
const NEW_KEYS_PER_SECOND = 200;
const TAGS = 500;
/** Of the loads: some fail, some take long. */
const FAILING = 0.03;
const SLOW = 0.02;

const POLICIES = [
  { ttl: '2s' },
  { ttl: '2s', staleWhileRevalidate: '5s' },
  { ttl: '2s', staleIfError: '30s' },
  { ttl: '3s', refreshAhead: 0.7 },
  { ttl: '3s', jitter: 0.3, negativeTtl: '500ms' },
  { ttl: '2s', staleIfError: '10s', loadTimeout: { soft: '10ms', hard: '200ms' } },
];

const CALLS = {
  getOrSet: 70,
  getOrSetMany: 8,
  get: 10,
  set: 4,
  delete: 4,
  invalidateTags: 3,
  clearPattern: 1,
};

/** Calls of all kinds, made by a number of callers, until it is stopped. */
export class Traffic {
  calls = 0;
  failed = 0;
  /** Calls that have not ended. */
  pending = 0;
  #stopped = false;
  #begun = performance.now();

  /** @param random a seeded source of chance */
  constructor(random) {
    this.random = random;
  }

  /** Resolves when the traffic was stopped and the last call has ended. @param cacheOf gives the cache as it is now */
  async run(callers, cacheOf) {
    await Promise.all(Array.from({ length: callers }, () => this.#callOn(cacheOf)));
  }

  stop() {
    this.#stopped = true;
  }

  async #callOn(cacheOf) {
    while (!this.#stopped) {
      this.calls++;
      this.pending++;
      try {
        await this.#call(cacheOf());
      } catch {
        this.failed++;
      } finally {
        this.pending--;
      }
      // Timers and sockets get their turn, whatever memory answers.
      await turn();
    }
  }

  #call(cache) {
    const key = this.#key();
    const tag = `tag:${Math.floor(this.random.next() * TAGS)}`;
    const options = { ...this.random.pick(POLICIES), tags: [tag] };
    switch (this.random.weighted(CALLS)) {
      case 'getOrSet':
        return cache.getOrSet(key, () => this.#load(key), options);
      case 'getOrSetMany': {
        const keys = Array.from({ length: 10 }, () => this.#key());
        const load = async (missing) => new Map(missing.map((one) => [one, { one }]));
        return cache.getOrSetMany(keys, load, options);
      }
      case 'get':
        return cache.get(key);
      case 'set':
        return cache.set(key, { key, text: 'x'.repeat(300) }, options);
      case 'delete':
        return cache.delete(key);
      case 'invalidateTags':
        return cache.invalidateTags([tag]);
      default:
        return cache.clearPattern(key.replace(/\d+$/, '*'));
    }
  }

  #key() {
    const first = Math.floor(((performance.now() - this.#begun) / 1000) * NEW_KEYS_PER_SECOND);
    // Few keys get most of the calls.
    const key = first + Math.floor(KEYS_IN_USE * this.random.next() ** 3);
    return `group:${Math.floor(key / 1000)}:${key}`;
  }

  async #load(key) {
    if (this.random.chance(SLOW)) await sleep(50 + 250 * this.random.next());
    if (this.random.chance(FAILING)) throw new Error('the origin is broken');
    return this.random.chance(0.05) ? null : { key, text: 'x'.repeat(Math.floor(600 * this.random.next())) };
  }
}
