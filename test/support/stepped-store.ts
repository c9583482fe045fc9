import type { RemoteStore, StoreEntry } from '../../lib/stores/store.js';
import type { Clock } from '../../lib/primitives/clock.js';
import { Deferred } from './deferred.js';

type Kind = 'get' | 'set' | 'delete' | 'scan';

interface Step {
  readonly kind: Kind;
  readonly run: () => void;
}

/**
 * A store in memory that does nothing until it is told to. Like one connection to Redis it executes commands in the order
 * they were sent, and its replies arrive in that order; when a command is executed and when its reply arrives is up to the
 * test.
 */
export class SteppedStore implements RemoteStore {
  readonly data = new Map<string, { value: Buffer; expiresAt: number }>();
  /** What was asked, for counting: one item per call. */
  readonly calls: { kind: Kind; keys: readonly string[] }[] = [];
  /** While true, commands are executed and answered at once. */
  free = true;
  /** When set, every command fails with it. */
  failure: Error | undefined;
  closed = false;
  readonly #sent: Step[] = [];
  readonly #executed: (() => void)[] = [];

  constructor(private readonly clock: Clock) {}

  getMany(keys: readonly string[]): Promise<(Buffer | undefined)[]> {
    return this.#send('get', keys, () => keys.map((key) => this.#live(key)));
  }

  setMany(entries: readonly StoreEntry[]): Promise<void> {
    const keys = entries.map((entry) => entry.key);
    return this.#send('set', keys, () => {
      for (const { key, value, ttl } of entries) this.data.set(key, { value, expiresAt: this.now() + ttl });
    });
  }

  deleteMany(keys: readonly string[]): Promise<boolean[]> {
    return this.#send('delete', keys, () =>
      keys.map((key) => {
        const live = this.#live(key) !== undefined;
        this.data.delete(key);
        return live;
      }),
    );
  }

  async *scan(prefix: string): AsyncIterable<string[]> {
    const keys = await this.#send('scan', [prefix], () =>
      [...this.data.keys()].filter((key) => key.startsWith(prefix)),
    );
    for (let at = 0; at < keys.length; at += 2) yield keys.slice(at, at + 2);
  }

  now(): number {
    return 1_700_000_000_000 + this.clock.now();
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  /** From now on commands wait for {@link execute} and {@link reply}. */
  hold(): void {
    this.free = false;
  }

  /** Lets all commands go, those waiting and those to come. */
  release(): void {
    this.free = true;
    this.execute(Infinity);
    this.reply(Infinity);
  }

  /** Executes the next commands sent; their replies are on their way. @returns how many there were */
  execute(most = 1): number {
    let done = 0;
    for (; done < most && this.#sent.length > 0; done++) this.#sent.shift()!.run();
    return done;
  }

  /** Lets the next replies arrive. @returns how many there were */
  reply(most = 1): number {
    let done = 0;
    for (; done < most && this.#executed.length > 0; done++) this.#executed.shift()!();
    return done;
  }

  /** Commands sent and not yet executed. */
  get waiting(): readonly Kind[] {
    return this.#sent.map(({ kind }) => kind);
  }

  count(kind: Kind): number {
    return this.calls.filter((call) => call.kind === kind).length;
  }

  #send<T>(kind: Kind, keys: readonly string[], effect: () => T): Promise<T> {
    this.calls.push({ kind, keys });
    const answer = new Deferred<T>();
    const run = (): void => {
      const { failure } = this;
      if (failure !== undefined) {
        this.#executed.push(() => answer.reject(failure));
      } else {
        const result = effect();
        this.#executed.push(() => answer.resolve(result));
      }
    };
    this.#sent.push({ kind, run });
    if (this.free) this.release();
    return answer.promise;
  }

  #live(key: string): Buffer | undefined {
    const entry = this.data.get(key);
    return entry !== undefined && entry.expiresAt > this.now() ? entry.value : undefined;
  }
}
