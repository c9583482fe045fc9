import { now, sleep } from '../time.mjs';

/** What an application would load from its database, which takes its time before or after the row is read. */
export class Loader {
  #loads = 0;

  constructor(database, random, process) {
    this.database = database;
    this.random = random;
    this.process = process;
  }

  async load(key) {
    return (await this.loadMany([key])).get(key);
  }

  /** @returns {Promise<Map<string, object>>} values that say themselves which load they come from, and when that was */
  async loadMany(keys) {
    const id = `${this.process}-${++this.#loads}`;
    const begin = now();
    const pause = this.random.chance(0.05) ? 500 : this.random.between(0, 60);
    const pauseFirst = this.random.chance(0.5);
    if (pauseFirst) await sleep(pause);
    const versions = await this.database.versions(keys);
    if (!pauseFirst) await sleep(pause);
    const load = { id, process: this.process, begin, end: now() };
    return new Map(keys.map((key, i) => [key, { key, version: versions[i], load }]));
  }
}
