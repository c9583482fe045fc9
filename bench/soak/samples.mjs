/** What must not grow. */
export class Samples {
  #all = [];

  constructor(redis, namespace) {
    this.redis = redis;
    this.namespace = namespace;
  }

  get count() {
    return this.#all.length;
  }

  async take() {
    globalThis.gc();
    const { heapUsed, external } = process.memoryUsage();
    this.#all.push({
      heapMb: (heapUsed + external) / 2 ** 20,
      handles: process.getActiveResourcesInfo().filter((name) => name !== 'Immediate').length,
      bookkeepingKeys: await this.#bookkeepingKeys(),
      messages: Number(await this.redis.command('XLEN', `{${this.namespace}}~invalidations`).catch(() => 0)),
    });
    return this.#all.at(-1);
  }

  /** The median of a part of the time. @param part from 0 to 1 */
  median(name, from, to) {
    const part = this.#all.slice(Math.floor(this.#all.length * from), Math.ceil(this.#all.length * to));
    return part.map((sample) => sample[name]).toSorted((a, b) => a - b)[part.length >> 1];
  }

  most(name) {
    return Math.max(...this.#all.map((sample) => sample[name]));
  }

  /** Keys of the namespace that hold no entry. */
  async #bookkeepingKeys() {
    try {
      return Number(
        await this.redis.command('EVAL', `return #redis.call('KEYS', '{${this.namespace}}~*')`, 0),
      );
    } catch {
      return 0;
    }
  }
}
