import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';

export const libraries = {
  sound: {
    name: 'sound',
    promises: true,
    entryPrefix: '',
    open: async (options) => new LeasedCache(options),
  },
};

const FILL = `if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[2])
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`;
const LEASE_MS = 10_000;

/**
 * About the least that keeps the promises while nothing fails: entries in Redis only, and a load is stored only if nobody
 * has touched the key since it began. It shows that the checker does not find what is not there.
 */
export class LeasedCache {
  constructor({ redis, ttl }) {
    this.ttl = ttl;
    this.client = new Redis(redis);
    this.client.on('error', () => undefined);
  }

  async get(key) {
    const json = await this.client.get(key);
    return json === null ? undefined : JSON.parse(json);
  }

  async getOrSet(key, load) {
    const hit = await this.get(key);
    if (hit !== undefined) return hit;
    const token = randomUUID();
    await this.client.set(leaseOf(key), token, 'PX', LEASE_MS);
    const value = await load();
    await this.fill(key, token, value);
    return value;
  }

  async fill(key, token, value) {
    await this.client.eval(FILL, 2, key, leaseOf(key), token, JSON.stringify(value), this.ttl);
  }

  async set(key, value) {
    await this.client.multi().del(leaseOf(key)).set(key, JSON.stringify(value), 'PX', this.ttl).exec();
  }

  async delete(key) {
    await this.client.del(key, leaseOf(key));
  }

  async deleteMany(keys) {
    await this.client.del(...keys, ...keys.map(leaseOf));
  }

  async clear() {
    await this.client.flushdb();
  }

  async close() {
    this.client.disconnect();
  }
}

function leaseOf(key) {
  return `${key}~lease`;
}
