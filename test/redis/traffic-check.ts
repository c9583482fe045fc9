import { until } from '../support/redis-server.js';
import type { Instance } from './instances.js';

const KEYS = ['user:1', 'user:2', 'order:1'];

/** What a reader was given although something newer had been acknowledged. */
interface Violation {
  readonly reader: 'writer' | 'other';
  readonly key: string;
  readonly read: number;
  readonly expected: number;
}

/**
 * Changes a database and invalidates in one instance, reads in both, and compares: whoever reads in the instance that
 * invalidates never gets anything older than what was acknowledged before; others for `maxStaleness` at most.
 */
export class Traffic {
  readonly #database = new Map(KEYS.map((key) => [key, 1]));
  /** For each key the versions that were acknowledged, and when. */
  readonly #acknowledged = new Map(KEYS.map((key) => [key, [{ version: 1, at: performance.now() }]]));
  readonly #violations: Violation[] = [];
  #step = 0;

  /** @param maxStaleness in milliseconds */
  constructor(
    private readonly writer: Instance,
    private readonly other: Instance,
    private readonly maxStaleness: number,
  ) {}

  /**
   * Changes one after the other, each of something that both have, and reads all the while.
   * @param halfway happens in the middle, while everything goes on
   */
  async flow(changes: number, halfway: () => Promise<unknown>): Promise<void> {
    let over = false;
    let happening: Promise<unknown> | undefined;
    const readers = [this.#readUntil(() => over, this.writer), this.#readUntil(() => over, this.other)];
    try {
      for (let i = 0; i < changes; i++) {
        if (i === changes / 2) happening = halfway();
        const key = KEYS[this.#step % KEYS.length]!;
        await Promise.all([this.writer, this.other].map((reader) => this.#load(reader, key)));
        await this.#change(key);
      }
    } finally {
      over = true;
      await Promise.all([...readers, happening]);
    }
  }

  /** Waits until everything has been told, and reads once more. @returns what should not have been read */
  async settle(): Promise<readonly Violation[]> {
    await until(() => this.writer.coherence.queued === 0, { what: 'Redis being told of everything' });
    for (const key of KEYS) {
      await this.#read(this.writer, key, 0);
      await until(async () => (await this.#load(this.other, key)) === this.#database.get(key), {
        what: `the other instance reading the newest ${key}`,
      });
    }
    return this.#violations;
  }

  async #change(key: string): Promise<void> {
    const version = this.#database.get(key)! + 1;
    this.#database.set(key, version);
    const { cache } = this.writer;
    const prefix = `${key.slice(0, key.indexOf(':'))}:*`;
    const kinds = [
      () => cache.delete(key),
      () => cache.invalidateTags([key]),
      () => cache.clearPattern(prefix),
      () => cache.set(key, version, { tags: [key] }),
      () => cache.clearPattern(`*${key.slice(1)}`),
    ];
    await kinds[this.#step++ % kinds.length]!();
    this.#acknowledged.get(key)!.push({ version, at: performance.now() });
  }

  async #readUntil(over: () => boolean, reader: Instance): Promise<void> {
    const grace = reader === this.writer ? 0 : this.maxStaleness + 250;
    const reads: Promise<void>[] = [];
    while (!over()) {
      reads.push(...KEYS.map((key) => this.#read(reader, key, grace)));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(reads);
  }

  async #read(reader: Instance, key: string, grace: number): Promise<void> {
    const now = performance.now();
    const known = this.#acknowledged.get(key)!.filter(({ at }) => at <= now - grace);
    const expected = known.at(-1)?.version ?? 0;
    const read = await this.#load(reader, key);
    if (read >= expected) return;
    this.#violations.push({ reader: reader === this.writer ? 'writer' : 'other', key, read, expected });
  }

  #load(reader: Instance, key: string): Promise<number> {
    const load = async (): Promise<number> => {
      const read = this.#database.get(key)!;
      await new Promise((resolve) => setImmediate(resolve));
      return read;
    };
    return reader.cache.getOrSet(key, load, { tags: [key] });
  }
}
