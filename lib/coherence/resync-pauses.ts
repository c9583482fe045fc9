import type { Clock } from '../primitives/clock.js';

/** Pauses before the clock is read anew, in milliseconds. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 500;

/** After so long without trouble the next one is taken for a single one, in milliseconds. */
const CALM = 2_000;

/**
 * When the clock may be read anew after trouble. The first time at once; trouble that soon follows is waited out, each time for
 * twice as long: all slots are transferred each time, and memory is emptied, and as long as another instance speaks another
 * version its next message is trouble again. Waiting is safe: until then nothing in Redis is believed, and nothing that is
 * loaded meanwhile outlives the resync, nor `maxStaleness`.
 */
export class ResyncPauses {
  readonly #longest: number;
  #next = 0;
  #from = -Infinity;
  #resyncedAt = -Infinity;

  /** @param heartbeat how long nothing may be asked without that costing hits */
  constructor(
    private readonly time: Clock,
    heartbeat: number,
  ) {
    this.#longest = Math.min(LONGEST_PAUSE, heartbeat);
  }

  /** How long to wait now, in milliseconds. */
  get left(): number {
    return Math.max(0, this.#from - this.time.now());
  }

  troubled(): void {
    const now = this.time.now();
    if (now - this.#resyncedAt > CALM) this.#next = 0;
    this.#from = now + this.#next;
    this.#next = Math.min(Math.max(FIRST_PAUSE, this.#next * 2), this.#longest);
  }

  resynced(): void {
    this.#resyncedAt = this.time.now();
  }
}
