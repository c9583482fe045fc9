import { now, sleep } from '../time.mjs';
import { WorkerProcess } from './worker-process.mjs';

/** How often a process that has ended by itself is replaced. */
const REPLACEMENTS = 5;

/** The processes of one part of a run, and what they report. A process that ends is replaced by a new one. */
export class Crew {
  #workers = new Map();
  #replaced = 0;
  #ending = false;

  /**
   * @param settings what every process is given
   * @param cacheOf what the cache of the process in a place is given; a replacement takes the place of what it replaces
   */
  constructor({ settings, cacheOf, history, figures, examples }) {
    Object.assign(this, { settings, cacheOf, history, figures, examples });
  }

  async open() {
    const places = Array.from({ length: this.settings.processes }, (_, place) => place);
    await Promise.all(places.map((place) => this.#hire(place)));
  }

  start() {
    return this.#all('start');
  }

  /**
   * Ends the writing, and after a while the reading: what is looked at then are not the few entries that late invalidations
   * have left, but also those that were stored beside them.
   * @returns the number of calls that had not settled
   */
  async stop(readsOnly) {
    this.#ending = true;
    await this.#all('stopWriting', { fallback: undefined });
    await sleep(readsOnly);
    const pending = await this.#all('stop', { fallback: 0 });
    return pending.reduce((sum, count) => sum + count, 0);
  }

  /** What each process has in its cache; nothing for one that does not answer. */
  async look() {
    const workers = [...this.#workers.values()];
    const found = await this.#all('look', { fallback: [] });
    return workers.map(({ number }, i) => ({ where: `process ${number}`, entries: found[i] }));
  }

  async end() {
    this.#ending = true;
    await Promise.all([...this.#workers.values()].map((worker) => worker.end()));
  }

  #all(command, options) {
    return Promise.all([...this.#workers.values()].map((worker) => worker.ask(command, options)));
  }

  async #hire(number) {
    const { settings, history } = this;
    const place = number % settings.processes;
    const worker = new WorkerProcess(number, {
      onRecords: (records) => this.#take(number, records),
      onEnd: (how) => this.#replace(number, how),
    });
    this.#workers.set(place, worker);
    history.join(number, now());
    const given = { ...settings, process: number, cache: this.cacheOf(place) };
    await worker.ask('open', { given, patience: 30_000 });
    return worker;
  }

  #take(process, { counts, failures, ...records }) {
    for (const [name, count] of Object.entries(counts)) {
      if (name !== 'uncaught') this.figures[name] += count;
    }
    for (const { name, ...example } of failures) this.examples.addFailure(name, { process, ...example });
    this.history.add({ process, ...records });
  }

  #replace(number, how) {
    this.history.leave(number);
    this.figures.crashes++;
    this.examples.add('crash', { process: number, how });
    if (this.#ending || ++this.#replaced > REPLACEMENTS) return;
    this.#hire(number + this.settings.processes).then(
      (worker) => worker.ask('start', { fallback: undefined }),
      (error) => this.examples.add('crash', { process: number, how: `no replacement: ${error.message}` }),
    );
  }
}
