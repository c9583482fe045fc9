import { LeasedCache } from './sound.mjs';

/** Acknowledges a deletion before it carries it out. */
class DelayedCache extends LeasedCache {
  async delete(key) {
    setTimeout(() => void super.delete(key).catch(() => undefined), 40);
  }
}

/** Keeps copies in memory that invalidations by other processes do not reach. */
class DeafCache extends LeasedCache {
  #copies = new Map();

  async get(key) {
    const value = this.#copies.get(key) ?? (await super.get(key));
    if (value !== undefined) this.#copies.set(key, value);
    return value;
  }

  async set(key, value) {
    await super.set(key, value);
    this.#copies.delete(key);
  }

  async delete(key) {
    await this.deleteMany([key]);
  }

  async deleteMany(keys) {
    await super.deleteMany(keys);
    for (const key of keys) this.#copies.delete(key);
  }

  async clear() {
    await super.clear();
    this.#copies.clear();
  }
}

/** Stores what it has loaded, whatever happened meanwhile. */
class LateCache extends LeasedCache {
  async fill(key, _token, value) {
    await this.client.set(key, JSON.stringify(value), 'PX', this.ttl);
  }
}

/** Every other time it removes nothing, and says it did. */
class ForgetfulCache extends LeasedCache {
  #deletions = 0;

  async delete(key) {
    if (++this.#deletions % 2 > 0) await super.delete(key);
  }
}

const CLASSES = { delayed: DelayedCache, deaf: DeafCache, late: LateCache, forgetful: ForgetfulCache };

/** Caches with one fault each, which the checker has to find. */
export const libraries = Object.fromEntries(
  Object.entries(CLASSES).map(([id, Cache]) => [
    id,
    { name: id, promises: true, entryPrefix: '', open: async (options) => new Cache(options) },
  ]),
);
