import { expect } from '@jest/globals';

import type { CacheError, CacheStoreError } from '../../lib/primitives/errors.js';
import type { Change, RemoteStore } from '../../lib/stores/store.js';
import { until } from '../support/until.js';

export function bytes(text: string): Buffer {
  return Buffer.from(text);
}

type Setting = Extract<Change, { kind: 'set' }>;

export function entry(key: string, text: string, ttl = 60_000): Setting {
  return { kind: 'set', key, value: bytes(text), ttl };
}

export async function setMany(store: RemoteStore, entries: readonly Omit<Setting, 'kind'>[]): Promise<void> {
  await store.change(entries.map((one) => ({ ...one, kind: 'set' })));
}

/** Reads again whenever Redis does not answer in time, as on a busy machine: that says nothing about what it has. */
export async function readPatiently(
  store: RemoteStore,
  keys: readonly string[],
): Promise<(Buffer | undefined)[]> {
  return until(() =>
    store.getMany(keys).catch((error: CacheStoreError) => {
      if (error.trouble !== 'silent') throw error;
      return undefined;
    }),
  );
}

/** @returns for each key whether a value was there */
export async function deleteMany(store: RemoteStore, keys: readonly string[]): Promise<boolean[]> {
  const { results } = await store.change(keys.map((key) => ({ kind: 'remove', key })));
  return results.map((result) => result === true);
}

export async function collect(batches: AsyncIterable<string[]>): Promise<string[]> {
  const keys: string[] = [];
  for await (const batch of batches) keys.push(...batch);
  return keys;
}

/** The error a promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<CacheError> {
  try {
    await promise;
  } catch (error) {
    return error as CacheError;
  }
  throw new Error('expected a rejection');
}

/** What a key held in turn; `undefined` stands for nothing. */
type History = (string | undefined)[];

/**
 * Writes, removes and reads keys at random, several calls a tick, so many ticks, without waiting for any. Then checks that
 * every read found what the last write called before it had left, or a later one, and that in the end each key holds what was
 * written last.
 * @param everyTick awaited after each tick
 * @param hasty whether reads may be given up, though not all of them: when the machine is busy, or they take a detour
 */
export async function checkOrder(
  store: RemoteStore,
  keys: readonly string[],
  ticks: number,
  everyTick: () => Promise<unknown> = nextTurn,
  hasty = false,
): Promise<void> {
  const order = new Order(store, keys, hasty);
  for (let tick = 0; tick < ticks; tick++) {
    order.tick(10);
    await everyTick();
  }
  await order.finish();
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

class Order {
  readonly #histories: Map<string, History>;
  readonly #calls: Promise<unknown>[] = [];
  #version = 0;
  #answered = 0;

  constructor(
    private readonly store: RemoteStore,
    private readonly keys: readonly string[],
    private readonly hasty: boolean,
  ) {
    this.#histories = new Map(keys.map((key) => [key, [undefined]]));
  }

  tick(calls: number): void {
    for (let i = 0; i < calls; i++) {
      const key = this.keys[Math.floor(Math.random() * this.keys.length)]!;
      const history = this.#histories.get(key)!;
      const dice = Math.random();
      if (dice < 0.5) this.#read(key, history);
      else if (dice < 0.65) this.#remove(key, history);
      else this.#write(key, history);
    }
  }

  async finish(): Promise<void> {
    await Promise.all(this.#calls);
    expect(this.#answered).toBeGreaterThan(0);
    const left = await until(() => this.store.getMany(this.keys).catch(this.#forgive));
    const last = this.keys.map((key) => this.#histories.get(key)!.at(-1));
    expect(left.map((value) => value?.toString())).toEqual(last);
  }

  #read(key: string, history: History): void {
    const called = history.length - 1;
    const read = this.store.getMany([key]).then(([found]) => {
      this.#answered++;
      expect(history.slice(called)).toContain(found?.toString());
      return undefined;
    });
    this.#calls.push(read.catch(this.#forgive));
  }

  readonly #forgive = (error: unknown): undefined => {
    if (!this.hasty || (error as CacheStoreError).trouble !== 'silent') throw error;
  };

  #write(key: string, history: History): void {
    history.push(`${++this.#version}`);
    this.#calls.push(setMany(this.store, [entry(key, `${this.#version}`)]));
  }

  #remove(key: string, history: History): void {
    history.push(undefined);
    this.#calls.push(deleteMany(this.store, [key]));
  }
}
