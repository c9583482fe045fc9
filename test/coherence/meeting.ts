import { benchOf, closeBenches, redisFor, type Topology } from '../support/caches.js';
import { breathe, Deferred } from '../support/deferred.js';
import { type InvalidationName, INVALIDATIONS, KEY, type LoadName, LOADS, TAGS } from './actions.js';
import type { Scenario, Way } from './orders.js';
import { Reader } from './reader.js';

export interface Setting {
  readonly topology: Topology;
  readonly load: LoadName;
  readonly invalidation: InvalidationName;
  /** Whether load and invalidation are in one process, or in two. */
  readonly processes: 1 | 2;
  /** Whether Redis has the row at first, in an entry that the load finds. */
  readonly stored: boolean;
  /** Where somebody reads at the first moment at which only the new row may be read there. */
  readonly probing: 'nobody' | 'the loader' | 'the invalidator';
}

/**
 * A load in one process and an invalidation, there or in another process, that meet in some order. The database holds row 1,
 * then row 2, which is written just before the invalidation is called.
 */
export class Meeting implements Scenario {
  /** What has been done, in order. */
  readonly #steps: string[] = [];
  #row = 1;
  #begun = false;
  #invalidated = false;
  /** What the database may do next. */
  #gate: Way | undefined;
  readonly #loader: Reader;
  readonly #invalidator: Reader;

  private constructor(
    private readonly setting: Setting,
    readers: readonly [loader: Reader, invalidator: Reader],
  ) {
    [this.#loader, this.#invalidator] = readers;
  }

  /** @param complain told of everything that goes wrong */
  static async of(setting: Setting, complain: (what: string) => void): Promise<Meeting> {
    const { topology, processes, stored, invalidation } = setting;
    const redis = redisFor(topology);
    const options = { slots: 1_024, ...(topology.startsWith('memory') && { memory: { maxSize: 10 } }) };
    const loader = await benchOf(topology, options, redis);
    const invalidator = processes === 1 ? loader : await benchOf(topology, options, redis);
    if (stored) await invalidator.cache.set(KEY, 1, { tags: TAGS, tiers: ['redis'] });
    await breathe();
    for (const { store } of [loader, invalidator]) {
      store.hold();
      // What tidies up behind a prefix makes many orders of them, and decides nothing.
      if (invalidation === 'a prefix' || invalidation === 'clear') store.scan = async function* () {};
    }
    loader.store.feed.hold();
    const tell = (what: string): void => complain(`${what}: ${meeting.#steps.join(', ')}`);
    const first = new Reader(loader, tell);
    const meeting = new Meeting(setting, [first, processes === 1 ? first : new Reader(invalidator, tell)]);
    return meeting;
  }

  async ways(): Promise<readonly Way[]> {
    await this.#letRun();
    if (this.#probed?.floor === 2) return [];
    return [...this.#localWays(), ...this.#serverWays()].map((way) => ({
      ...way,
      go: () => {
        this.#steps.push(way.name);
        way.go();
      },
    }));
  }

  /** Lets everything go, and looks at what rests. */
  async end(redundant: boolean): Promise<void> {
    if (!redundant) {
      this.#probed?.read(this.#row);
      await this.#finish();
    }
    await closeBenches();
  }

  get #alone(): boolean {
    return this.#loader === this.#invalidator;
  }

  get #readers(): readonly Reader[] {
    return this.#alone ? [this.#loader] : [this.#loader, this.#invalidator];
  }

  get #probed(): Reader | undefined {
    return { nobody: undefined, 'the loader': this.#loader, 'the invalidator': this.#invalidator }[
      this.setting.probing
    ];
  }

  /** What the loading process and the database may do. */
  #localWays(): Way[] {
    const { store, redis } = this.#loader.bench;
    const ways: Way[] = [];
    if (!this.#begun) ways.push({ name: 'load begins', touches: ['loader'], go: () => this.#begin() });
    const gate = this.#gate;
    if (gate !== undefined) ways.push({ ...gate, go: () => ((this.#gate = undefined), gate.go()) });
    for (const node of redis.separateNodes ? (['entries', 'clock'] as const) : (['entries'] as const)) {
      if (store.answered(node) === 0) continue;
      ways.push({ name: `reply from ${node}`, touches: ['loader'], go: () => void store.reply(1, node) });
    }
    if (store.feed.underWay > 0) {
      ways.push({ name: 'message', touches: ['loader', 'bus'], go: () => void store.feed.deliver(1) });
    }
    if (!this.#invalidated) {
      // In a cluster the clock's part of it follows at once.
      const other = redis.separateNodes ? ['database', 'server', 'bus'] : ['database'];
      const touches = this.#alone ? ['loader', 'database'] : other;
      ways.push({ name: this.setting.invalidation, touches, go: () => void this.#invalidate() });
    }
    return ways;
  }

  /** What Redis may do; nothing where {@link #letRun} does it. */
  #serverWays(): Way[] {
    if (this.#alone) return [];
    const ways: Way[] = [];
    const [loader, invalidator] = [this.#loader.bench.store, this.#invalidator.bench.store];
    const [next] = loader.waiting();
    if (next !== undefined) {
      const touches = next === 'announce' ? ['server', 'bus'] : ['server'];
      ways.push({ name: `${next} executed`, touches, go: () => void loader.execute() });
    }
    const [other] = invalidator.waiting();
    if (other !== undefined) {
      const name = `${other} of the other executed`;
      ways.push({ name, touches: ['server', 'bus'], go: () => void invalidator.execute() });
    }
    return ways;
  }

  /** What makes no difference when it happens, happens at once. */
  async #letRun(): Promise<void> {
    const [loader, invalidator] = [this.#loader.bench.store, this.#invalidator.bench.store];
    const { separateNodes } = loader.redis;
    await breathe();
    for (;;) {
      // On one connection commands are executed in their order whenever that is.
      let moved = this.#alone ? loader.execute(Infinity) : invalidator.reply(Infinity);
      // In a cluster the clock decides over nothing but what messages say.
      if (separateNodes) moved += loader.execute(Infinity, 'clock') + invalidator.execute(Infinity, 'clock');
      if (moved === 0) break;
      await breathe();
    }
    if (this.#loader.floor < 2 && this.#loader.hasHeard) this.#loader.floor = 2;
    for (const reader of this.#readers) reader.peek();
  }

  #begin(): void {
    this.#begun = true;
    const result = LOADS[this.setting.load](this.#loader.bench.cache, () => this.#read());
    void this.#loader.expect('the load', result, 1);
  }

  /** The database answers when it likes, and its answer takes its time. */
  #read(): Promise<number> {
    const answer = new Deferred<number>();
    const reads = (): void => {
      const row = this.#row;
      this.#gate = { name: 'load ends', touches: ['loader'], go: () => answer.resolve(row) };
    };
    this.#gate = { name: 'load reads', touches: ['loader', 'database'], go: reads };
    return answer.promise;
  }

  async #invalidate(): Promise<void> {
    this.#invalidated = true;
    this.#row = 2;
    this.#invalidator.pending.add('the invalidation');
    await INVALIDATIONS[this.setting.invalidation](this.#invalidator.bench.cache, 2);
    this.#invalidator.pending.delete('the invalidation');
    this.#invalidator.floor = 2;
  }

  async #openGates(): Promise<void> {
    for (let gate = this.#gate; gate !== undefined; gate = this.#gate) {
      this.#gate = undefined;
      gate.go();
      await breathe();
    }
  }

  async #finish(): Promise<void> {
    for (const reader of this.#readers) reader.release();
    await breathe();
    await this.#openGates();
    // A load may begin only when a wait for another process has ended.
    await this.#loader.bench.clock.pass(300);
    await this.#openGates();
    this.#steps.push('all the rest');
    for (const reader of this.#readers) {
      reader.floor = 2;
      await reader.inspect();
    }
    // Whatever lease is left of a fill that was refused, nobody waits for it.
    this.#invalidator.read(2);
    await breathe();
    for (const { pending, complain } of this.#readers)
      for (const name of pending) complain(`${name} never ended`);
  }
}
