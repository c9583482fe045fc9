import { now, sleep } from '../time.mjs';

/** Calm before the first master is killed, and between two kills, in milliseconds. */
const CALM = [3_000, 6_000];

/** A master with two replicas behind Sentinels, of which the master is killed now and then. Connections are direct. */
export class SentinelRedis {
  log = [];
  begun = now();

  constructor({ sentinel, random }) {
    Object.assign(this, { sentinel, random });
  }

  address() {
    const { name, sentinels } = this.sentinel;
    return { name, sentinels };
  }

  async run(milliseconds) {
    const left = () => milliseconds - (now() - this.begun);
    for (;;) {
      await sleep(Math.min(this.random.between(...CALM), left()));
      // A kill so late that nobody would see what comes of it is none.
      if (left() < CALM[0]) break;
      const entry = { kind: 'failover', places: [], begin: Math.round(now() - this.begun), end: undefined };
      this.log.push(entry);
      await this.sentinel.failover();
      entry.end = Math.round(now() - this.begun);
      await this.sentinel.restart();
    }
    await sleep(Math.max(0, left()));
  }

  /** A failover is over when it has returned. */
  async heal() {}

  async stop() {
    await this.sentinel.stop();
  }
}
