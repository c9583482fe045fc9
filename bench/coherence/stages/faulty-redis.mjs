import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';

import { KEYS } from '../keys.mjs';
import { now, sleep } from '../time.mjs';

/**
 * One Redis server, which every process reaches through a proxy of its own, and what can happen to both. Everything that is
 * done is kept in `log`, with times in milliseconds since the beginning.
 */
export class FaultyRedis {
  log = [];
  begun = now();

  /**
   * @param planOf the faults for a number of milliseconds
   * @param entries the names that entries have in Redis: all other keys are the library's bookkeeping
   */
  constructor({ server, proxies, random, planOf, entries }) {
    Object.assign(this, { server, proxies, random, planOf, entries });
    // Around the proxies, to look at Redis and to remove keys from it.
    this.admin = new Redis({ host: server.host, port: server.port });
    this.admin.on('error', () => undefined);
  }

  /** Where the process in this place finds Redis; without a place, Redis itself. */
  address(place) {
    const { host, port } = place === undefined ? this.server : this.proxies[place];
    return { host, port };
  }

  /** Does what is planned for so long. */
  async run(milliseconds) {
    const plan = this.planOf(milliseconds);
    await Promise.all([sleep(milliseconds), ...plan.map((fault) => this.#carryOut(fault))]);
  }

  /** Ends whatever is still wrong. */
  async heal() {
    this.server.resume();
    await Promise.all(this.proxies.map((proxy) => proxy.heal()));
  }

  async stop() {
    this.admin.disconnect();
    await Promise.all(this.proxies.map((proxy) => proxy.stop()));
    await this.server.stop();
  }

  async #carryOut({ at, lasting, kind, places }) {
    await sleep(this.begun + at - now());
    const entry = { kind, places, begin: Math.round(now() - this.begun), end: undefined };
    this.log.push(entry);
    if (places.length === 0) await this[kind](lasting, entry);
    else await Promise.all(places.map((place) => this.#trouble(this.proxies[place], kind, lasting)));
    entry.end = Math.round(now() - this.begun);
  }

  async #trouble(proxy, kind, lasting) {
    const begin = {
      delay: () => proxy.delay(this.random.between(5, 60), this.random.between(0, 40)),
      cut: () => proxy.cut(),
      blackHoleShort: () => proxy.blackHole(),
      blackHoleLong: () => proxy.blackHole(),
      halfOpenShort: () => proxy.halfOpen(),
      halfOpenLong: () => proxy.halfOpen(),
      refuse: () => proxy.refuse(),
    };
    begin[kind]();
    await sleep(lasting);
    // Otherwise a client that does not notice it by itself would have no Redis for the rest of the run.
    if (kind.startsWith('halfOpen')) proxy.cut();
    await proxy.heal();
  }

  restart() {
    return this.server.restart();
  }

  /** What is written until it is killed is lost: it comes back with what it had saved before. */
  async rollBack(lasting, entry) {
    const before = now();
    await this.server.command('SAVE');
    await sleep(lasting);
    entry.lostFrom = Math.round(before - this.begun);
    entry.killed = Math.round(now() - this.begun);
    await this.server.kill();
    await this.server.start();
    // Every other restart is one of an empty server.
    await rm(join(this.server.folder, 'dump.rdb'), { force: true });
  }

  async flush() {
    await this.server.command('FLUSHALL');
  }

  async pauseShort(lasting) {
    this.server.pause();
    await sleep(lasting);
    this.server.resume();
  }

  pauseLong(lasting) {
    return this.pauseShort(lasting);
  }

  /** Removes keys that are no entries, whatever they are for, several times; and a few entries, whose names leases may have. */
  async forget(lasting, entry) {
    entry.removed = [];
    for (let i = 0; i < 4; i++) {
      const names = (await this.admin.keys('*').catch(() => [])).filter((name) => !this.entries.has(name));
      // Few are there once, many once per entry: both kinds have to be met.
      const perEntry = names.filter((name) => KEYS.some((key) => name.includes(key)));
      const common = names.filter((name) => !perEntry.includes(name));
      const { random } = this;
      const victims = [
        ...random.some(common, 1),
        ...random.some(perEntry, 2),
        ...random.some(this.entries, 2),
      ];
      await this.admin.unlink(...victims).catch(() => 0);
      entry.removed.push(...victims);
      await sleep(lasting / 4);
    }
  }
}
