import { Calls } from './calls.mjs';
import { Loader } from './loader.mjs';
import { Reads } from './reads.mjs';
import { sleep, within } from '../time.mjs';
import { Writes } from './writes.mjs';

const READERS = 12;
const WRITERS = 3;

/** How long calls that were under way when the traffic stopped may take to end. */
const LAST_CALLS = 6_000;

/** What a process does all the time: read and write, several at once, with short pauses. */
export class Traffic {
  #reading = true;
  #writing = true;
  #loops = [];

  constructor({ cache, database, recorder, random, process, processes }) {
    const slot = process % processes;
    const calls = new Calls(recorder);
    const loader = new Loader(database, random, process);
    this.calls = calls;
    this.random = random;
    this.reads = new Reads({ cache, calls, recorder, loader, random });
    this.writes = new Writes({ cache, calls, recorder, database, random, process, slot, processes });
  }

  start() {
    const reads = { shortest: 10, longest: 60, goesOn: () => this.#reading };
    const writes = { shortest: 100, longest: 400, goesOn: () => this.#writing };
    for (let i = 0; i < READERS; i++) this.#repeat(reads, () => this.reads.any());
    for (let i = 0; i < WRITERS; i++) this.#repeat(writes, () => this.#write());
  }

  stopWriting() {
    this.#writing = false;
  }

  /** @returns the number of calls that have not settled */
  async stop() {
    this.#writing = this.#reading = false;
    await within(LAST_CALLS, Promise.all(this.#loops));
    return this.calls.pending;
  }

  /** Often asks at once for what was just invalidated: that is when a cache is most likely to give the wrong answer. */
  async #write() {
    const keys = await this.writes.any();
    if (keys.length > 0 && this.random.chance(0.4)) await this.reads.any(this.random.pick(keys));
  }

  #repeat({ shortest, longest, goesOn }, step) {
    const loop = async () => {
      while (goesOn()) {
        await step();
        await sleep(this.random.between(shortest, longest));
      }
    };
    this.#loops.push(loop());
  }
}
