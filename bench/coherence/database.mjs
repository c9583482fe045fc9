import { Redis } from 'ioredis';

import { KEYS } from './keys.mjs';

/** The rows whose values are cached, in a Redis server of their own that nothing ever happens to. */
export class Database {
  #client;

  constructor(port) {
    this.#client = new Redis({ host: '127.0.0.1', port });
  }

  /** Gives every row its first version. */
  async create() {
    await this.#client.mset(...KEYS.flatMap((key) => [key, 1]));
  }

  /** @returns {Promise<number[]>} the versions of some rows, as they are at one moment */
  async versions(keys) {
    return (await this.#client.mget(keys)).map(Number);
  }

  /**
   * Changes rows, and then looks at others.
   * @returns {Promise<number[]>} the versions of the rows of `keys`, afterwards
   */
  async change(changed, keys) {
    const pipeline = this.#client.pipeline();
    for (const key of changed) pipeline.incr(key);
    pipeline.mget(keys);
    const [error, versions] = (await pipeline.exec()).at(-1);
    if (error) throw error;
    return versions.map(Number);
  }

  close() {
    this.#client.disconnect();
  }
}
