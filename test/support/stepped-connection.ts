import type { Invalidation } from '../../lib/coherence/invalidation.js';
import { CacheClosedError } from '../../lib/primitives/errors.js';
import type { Change, Changed, RemoteStore, Staleness } from '../../lib/stores/store.js';
import { Deferred } from './deferred.js';
import type { InstanceSettings } from './stepped-bookkeeping.js';
import { SteppedFeed } from './stepped-feed.js';
import type { SteppedRedis } from './stepped-redis.js';

type Kind = 'get' | 'scan' | 'sweep' | 'join' | 'announce' | Change['kind'];

/** Where a command goes: the same way unless entries and clock are on different nodes. */
type Node = 'entries' | 'clock';

interface Command {
  readonly kind: Kind;
  /** Counts the commands of a connection. */
  readonly serial: number;
  readonly run: () => Reply;
}

interface Reply {
  arrive(): void;
  /** In place of it, the connection breaks. */
  lose(failure: Error): void;
}

/** Commands on their way to one node, and replies on their way back. */
interface Line {
  readonly sent: Command[];
  readonly replies: { readonly serial: number; readonly reply: Reply }[];
}

const KEEPING: ReadonlySet<Kind> = new Set(['set', 'claim', 'fill']);

const CLOSED = new CacheClosedError('closed');

/**
 * One instance's connection to a {@link SteppedRedis}. Commands are executed in the order they were sent, and replies
 * arrive in that order, for each node; when that happens is up to the test.
 */
export class SteppedConnection implements RemoteStore {
  readonly feed: SteppedFeed;
  /** What was asked, for counting: one item per command. */
  readonly calls: { kind: Kind; keys: readonly string[] }[] = [];
  /** When set, every command fails with it, and is not executed. */
  failure: Error | undefined;
  closed = false;
  #free = true;
  #serial = 0;
  readonly #lines: Readonly<Record<Node, Line>>;
  /** Each once. */
  readonly #all: readonly Line[];

  constructor(
    readonly redis: SteppedRedis,
    private readonly settings: InstanceSettings,
  ) {
    const entries: Line = { sent: [], replies: [] };
    const clock: Line = redis.separateNodes ? { sent: [], replies: [] } : entries;
    this.#lines = { entries, clock };
    this.#all = redis.separateNodes ? [entries, clock] : [entries];
    this.feed = new SteppedFeed(redis, (...position) =>
      this.#send('join', [], 'clock', () => redis.books.join(settings, ...position)),
    );
  }

  getMany(keys: readonly string[]): Promise<(Buffer | undefined)[]> {
    return this.#send('get', keys, 'entries', () => keys.map((key) => this.redis.read(key)));
  }

  async change(changes: readonly Change[], announcement?: Invalidation): Promise<Changed> {
    const keys = changes.map(({ key }) => key);
    const carryOut = () => changes.map((change) => this.redis.carryOut(change));
    const carried = changes.length === 0 ? [] : this.#send(changes[0]!.kind, keys, 'entries', carryOut);
    if (announcement === undefined) return { results: await carried, reading: undefined };
    // On one server the order is kept; on two, whoever hears of it has to find it done.
    if (this.redis.separateNodes) await carried;
    const announced = this.#send('announce', [], 'clock', () =>
      this.redis.announce(this.settings, announcement),
    );
    const [results, reading] = await Promise.all([carried, announced]);
    return { results, reading };
  }

  async *scan(prefix: string): AsyncIterable<string[]> {
    const keys = await this.#send('scan', [prefix], 'entries', () => this.redis.scan(prefix));
    for (let at = 0; at < keys.length; at += 2) yield keys.slice(at, at + 2);
  }

  sweep(keys: readonly string[], stale: Staleness): Promise<number> {
    return this.#send('sweep', keys, 'entries', () => this.redis.sweep(keys, stale));
  }

  now(): number {
    return this.redis.now();
  }

  async close(): Promise<void> {
    this.closed = true;
    this.feed.fail(CLOSED);
  }

  /** From now on commands wait for {@link execute} and {@link reply}. */
  hold(): void {
    this.#free = false;
  }

  /** Lets all commands go, those waiting and those to come. */
  release(): void {
    this.#free = true;
    this.execute(Infinity);
    this.reply(Infinity);
  }

  /** Executes the next commands sent, to this node if one is named; their replies are on their way. @returns how many */
  execute(most = 1, node?: Node): number {
    let done = 0;
    for (; done < most; done++) {
      const line = this.#next('sent', node);
      const command = line?.sent.shift();
      if (command === undefined) break;
      line!.replies.push({ serial: command.serial, reply: command.run() });
    }
    return done;
  }

  /** Lets the next replies arrive, from this node if one is named. @returns how many there were */
  reply(most = 1, node?: Node): number {
    let done = 0;
    for (; done < most; done++) {
      const next = this.#next('replies', node)?.replies.shift();
      if (next === undefined) break;
      next.reply.arrive();
    }
    return done;
  }

  /** Breaks the connection before the replies of what has been executed arrive. */
  lose(failure: Error): void {
    for (const { replies } of this.#all) for (const { reply } of replies.splice(0)) reply.lose(failure);
  }

  /** Commands sent and not yet executed. */
  waiting(node?: Node): readonly Kind[] {
    return this.#linesOf(node)
      .flatMap(({ sent }) => sent)
      .toSorted((a, b) => a.serial - b.serial)
      .map(({ kind }) => kind);
  }

  /** How many commands were executed whose replies have not arrived. */
  answered(node?: Node): number {
    return this.#linesOf(node).reduce((sum, { replies }) => sum + replies.length, 0);
  }

  count(kind: Kind): number {
    return this.calls.filter((call) => call.kind === kind).length;
  }

  #linesOf(node: Node | undefined): readonly Line[] {
    return node === undefined ? this.#all : [this.#lines[node]];
  }

  /** The line whose turn it is. */
  #next(what: 'sent' | 'replies', node: Node | undefined): Line | undefined {
    let next: Line | undefined;
    for (const line of this.#linesOf(node)) {
      const first = line[what][0];
      if (first !== undefined && first.serial < (next?.[what][0]?.serial ?? Infinity)) next = line;
    }
    return next;
  }

  #send<T>(kind: Kind, keys: readonly string[], node: Node, effect: () => T): Promise<T> {
    if (this.closed) return Promise.reject(CLOSED);
    this.calls.push({ kind, keys });
    const answer = new Deferred<T>();
    const lose = (lost: Error): void => answer.reject(lost);
    const run = (): Reply => {
      const refusal = KEEPING.has(kind) ? this.redis.refusal : undefined;
      const failure = this.failure ?? this.redis.failure ?? refusal;
      if (failure !== undefined) return { arrive: () => lose(failure), lose };
      const result = effect();
      return { arrive: () => answer.resolve(result), lose };
    };
    this.#lines[node].sent.push({ kind, serial: this.#serial++, run });
    if (this.#free) this.release();
    return answer.promise;
  }
}
