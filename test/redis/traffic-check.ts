import { until } from '../support/redis-server.js';
import type { Instance } from './instances.js';

const NAMES = ['user:1', 'user:2', 'order:1'];

/** What a reader was given although something newer had been acknowledged. */
interface Violation {
  readonly reader: 'writer' | 'other';
  readonly key: string;
  readonly read: number;
  readonly expected: number;
}

/**
 * Changes a database and invalidates in one instance, reads in both, and compares: whoever reads in the instance that
 * invalidates never gets anything older than what was acknowledged before; others for `maxStaleness` at most, once Redis was
 * told.
 */
export class Traffic {
  readonly #keys: readonly string[];
  readonly #database: Map<string, number>;
  /** For each key the versions that were acknowledged, when, and whether Redis had been told of everything by then. */
  readonly #acknowledged: Map<string, { version: number; at: number; told: boolean }[]>;
  readonly #violations: Violation[] = [];
  #step = 0;

  /**
   * @param maxStaleness in milliseconds
   * @param prefix of the keys, if several do this at once
   */
  constructor(
    private readonly writer: Instance,
    private readonly other: Instance,
    private readonly maxStaleness: number,
    prefix = '',
  ) {
    this.#keys = NAMES.map((name) => prefix + name);
    this.#database = new Map(this.#keys.map((key) => [key, 1]));
    this.#acknowledged = new Map(
      this.#keys.map((key) => [key, [{ version: 1, at: performance.now(), told: true }]]),
    );
  }

  /**
   * Changes one after the other, each of something that both have, and reads all the while.
   * @param halfway happens in the middle, while everything goes on
   */
  async flow(changes: number, halfway: () => Promise<unknown> = async () => undefined): Promise<void> {
    let over = false;
    let happening: Promise<unknown> | undefined;
    const readers = [this.#readUntil(() => over, this.writer), this.#readUntil(() => over, this.other)];
    try {
      for (let i = 0; i < changes; i++) {
        if (i === changes / 2) happening = halfway();
        const key = this.#keys[this.#step % this.#keys.length]!;
        await Promise.all([this.writer, this.other].map((reader) => this.#load(reader, key)));
        await this.#change(key);
      }
    } finally {
      over = true;
      await Promise.all([...readers, happening]);
    }
  }

  /** As {@link flow}, for as long as something takes. */
  async flowDuring(happening: Promise<unknown>): Promise<void> {
    let over = false;
    const isOver = (): boolean => over;
    const ended = happening.finally(() => (over = true));
    while (!isOver()) await this.flow(2);
    await ended;
  }

  /** Waits until everything has been told, and reads once more. @returns what should not have been read */
  async settle(): Promise<readonly Violation[]> {
    await until(() => this.writer.coherence.queued === 0, { what: 'Redis being told of everything' });
    for (const key of this.#keys) {
      await this.#read(this.writer, key);
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
    const prefix = `${key.slice(0, key.lastIndexOf(':'))}:*`;
    const kinds = [
      () => cache.delete(key),
      () => cache.invalidateTags([key]),
      () => cache.clearPattern(prefix),
      () => cache.set(key, version, { tags: [key] }),
      () => cache.clearPattern(`*${key.slice(1)}`),
    ];
    await kinds[this.#step++ % kinds.length]!();
    const told = this.writer.coherence.queued === 0;
    this.#acknowledged.get(key)!.push({ version, at: performance.now(), told });
  }

  async #readUntil(over: () => boolean, reader: Instance): Promise<void> {
    const reads: Promise<void>[] = [];
    while (!over()) {
      reads.push(...this.#keys.map((key) => this.#read(reader, key)));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await Promise.all(reads);
  }

  async #read(reader: Instance, key: string): Promise<void> {
    const now = performance.now();
    const own = reader === this.writer;
    // Time that passes in this process between two of its own measurements.
    const slack = 250;
    const known = this.#acknowledged
      .get(key)!
      .filter(({ at, told }) => own || (told && at <= now - this.maxStaleness - slack));
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
