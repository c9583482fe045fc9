import type { Cluster, Redis } from 'ioredis';

import { CacheClosedError } from '../../primitives/errors.js';
import type { ClockReading } from '../../coherence/feed.js';
import type { Invalidation } from '../../coherence/invalidation.js';
import type { Change, Changed, RemoteStore, Staleness } from '../store.js';
import { Bookkeeping, type NamespaceSettings, readAnnounced } from './bookkeeping.js';
import { ClusterServers } from './cluster-servers.js';
import { groupChanges, resultsOf, writeOf } from './changes.js';
import { becomesReady, type Connection, duplicate, endConnection, openConnection } from './connection.js';
import type { Lane } from './lane.js';
import { RedisFeed } from './redis-feed.js';
import { type RedisOptions, resolveRedisOptions } from './redis-options.js';
import { scanKeys } from './scan-keys.js';
import { patienceFor } from './patience.js';
import { ServerClock } from './server-clock.js';
import { SingleServer } from './single-server.js';
import { storeFailure } from './store-failure.js';
import { atMost } from './time-limit.js';
import { isCluster, isStarting, notConnected, noteReady, notReady, type Topology } from './topology.js';

/** What a Redis store tells its owner. */
export interface RedisStoreHooks {
  /**
   * A connection broke or could not be made, or the server's clock could not be read. Calls that fail reject besides.
   * @param ofNode whether it is that of one node of a cluster
   */
  onError(error: Error, ofNode?: boolean): void;
  /** Redis can be used: at the beginning, and again after each time it could not be reached. */
  onReady?(): void;
}

/** How long the factory waits for Redis, in milliseconds, … */
const START_TIMEOUT = 1_000;
/** … and where the application cannot do without it. */
const REQUIRED_TIMEOUT = 3_000;

/**
 * Makes a store of Redis, and waits for it for a second, for three if it is required. If Redis is not there by then, `onError` has been told
 * why; the store's calls fail fast until Redis appears, and work from then on.
 * With `lazyConnect` it is not waited for, but connected to all the same.
 * @throws CacheConfigError when an option is wrong, or ioredis is not installed
 */
export async function createRedisStore(
  options: RedisOptions,
  settings: NamespaceSettings,
  hooks: RedisStoreHooks,
): Promise<RemoteStore> {
  const resolved = resolveRedisOptions(options);
  let store: RedisStore | undefined;
  let told = false;
  const connection = await openConnection(resolved, (error, ofNode) => {
    if (store?.isClosed === true) return;
    told = true;
    hooks.onError(error, ofNode);
  });
  store = new RedisStore(connection, new Bookkeeping(settings), hooks);
  const patience = options.required === true ? REQUIRED_TIMEOUT : START_TIMEOUT;
  if (!(await store.start(patience)) && !told) hooks.onError(notReady(connection.client.status, patience));
  return store;
}

/** Keeps bytes in Redis. Concurrent calls travel together, see `Lane`. */
export class RedisStore implements RemoteStore {
  readonly #topology: Topology;
  readonly #clock: ServerClock;
  readonly #keyPrefix: string;
  readonly feed: RedisFeed;
  readonly #listener: Redis | Cluster;
  #measured: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(
    private readonly connection: Connection,
    private readonly bookkeeping: Bookkeeping,
    private readonly hooks: RedisStoreHooks,
  ) {
    const { client, owned, commandTimeout } = connection;
    const options = {
      owned,
      commandTimeout,
      patience: () => Math.min(patienceFor(this.#clock.roundTrip), commandTimeout),
      bookkeeping,
      onSend: () => this.#clock.refresh(),
    };
    this.#topology = isCluster(client)
      ? new ClusterServers(client, options)
      : new SingleServer(client, options);
    this.#clock = new ServerClock(
      () => this.#topology.clockNode(),
      (error) => this.hooks.onError(storeFailure('the clock of Redis could not be read', error)),
    );
    this.#keyPrefix = client.options.keyPrefix ?? '';
    client.on('ready', this.#onReady);
    this.#listener = duplicate(client);
    this.feed = new RedisFeed(client, this.#listener, bookkeeping, commandTimeout);
  }

  /** Whether {@link close} was called. */
  get isClosed(): boolean {
    return this.#closing !== undefined;
  }

  /** Waits for Redis, its clock and the listener. @returns whether Redis is there within so many milliseconds */
  async start(within: number): Promise<boolean> {
    const { client } = this.connection;
    if (client.status === 'wait') return true;
    if (client.status === 'ready') this.#onReady();
    const listening = becomesReady(this.#listener, within);
    const ready = await becomesReady(client, within);
    if (ready) await Promise.all([atMost(within, this.#measured, () => undefined), listening]);
    return ready;
  }

  // Most calls are for one key: no array, closure or second promise is made for them. Those for several wait for their lanes
  // one by one, most of which are the same, and over after the first await.

  async getMany(keys: readonly string[]): Promise<(Buffer | undefined)[]> {
    this.#checkOpen();
    if (keys.length === 1) {
      const key = keys[0]!;
      const lane = this.#topology.laneToRead(key);
      const place = lane.read(key);
      await lane.prompt;
      return [lane.value(place)];
    }
    return this.#topology.isCluster ? this.#readSpread(keys) : this.#readTogether(keys);
  }

  async change(changes: readonly Change[], announcement?: Invalidation): Promise<Changed> {
    this.#checkOpen();
    const spread = this.#topology.isCluster;
    const groups = groupChanges(changes, !spread);
    const until = spread ? undefined : this.#latest();
    // A load waits for a claim as for a read.
    const claims = changes[0]?.kind === 'claim' || changes[0]?.kind === 'reclaim';
    if (claims) this.#checkPrompt(changes);
    const lanes = groups.map(([first]) => this.#topology.laneToWrite(first!.key));
    const places = groups.map((group, i) => lanes[i]!.write(writeOf(group, until)));
    const clockLane = announcement === undefined || spread ? undefined : this.#announce(announcement);
    for (const lane of lanes) if (!lane.over) await (claims ? lane.prompt : lane.done);
    const results = groups.flatMap((group, i) => resultsOf(group, lanes[i]!.result(places[i]!)));
    if (announcement === undefined) return { results, reading: undefined };
    // Entries and clock are on different nodes: whoever hears of it has to find it done.
    return { results, reading: await readingOf(clockLane ?? this.#announce(announcement)) };
  }

  async sweep(keys: readonly string[], stale: Staleness): Promise<number> {
    this.#checkOpen();
    const groups = this.#topology.isCluster ? keys.map((key) => [key]) : [keys];
    const lanes = groups.map(([key]) => this.#topology.laneToWrite(key!));
    const places = groups.map((group, i) =>
      lanes[i]!.write({ ...stale, kind: 'sweep', key: group[0]!, keys: group }),
    );
    for (const lane of lanes) if (!lane.over) await lane.done;
    return places.reduce((removed, place, i) => removed + Number(lanes[i]!.result(place)), 0);
  }

  async *scan(prefix: string, pause?: () => Promise<void>): AsyncGenerator<string[]> {
    this.#checkOpen();
    const { commandTimeout } = this.connection;
    await this.#connected();
    await this.#topology.settle();
    try {
      for (const node of this.#topology.masters()) {
        yield* scanKeys(node, { keyPrefix: this.#keyPrefix, prefix, timeout: commandTimeout, pause });
      }
    } catch (error) {
      throw storeFailure(`Redis did not list all keys that begin with '${prefix}'`, error);
    }
  }

  now(): number {
    return this.#clock.now();
  }

  /** Sends what was called before, then ends. Calls reject from now on. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    const { client, owned } = this.connection;
    client.removeListener('ready', this.#onReady);
    await this.#topology.settle();
    await this.feed.close();
    if (owned) await endConnection(client);
  }

  /** Which nodes there are is known only when there is a connection. */
  async #connected(): Promise<void> {
    const { client, commandTimeout } = this.connection;
    if (client.status === 'ready') return;
    const starting = isStarting(client);
    if (client.status === 'wait') client.connect().catch(() => undefined);
    if (!starting || !(await becomesReady(client, commandTimeout))) throw notConnected(client.status);
  }

  /** @throws CacheStoreError if they would be sent behind something that is overdue */
  #checkPrompt(claims: readonly Change[]): void {
    for (const { key } of claims) {
      const { late } = this.#topology.laneToRead(key);
      if (late !== undefined) throw late;
    }
  }

  async #readTogether(keys: readonly string[]): Promise<(Buffer | undefined)[]> {
    if (keys.length === 0) return [];
    const lane = this.#topology.laneToRead(keys[0]!);
    const places = lane.readAll(keys);
    await lane.prompt;
    const values: (Buffer | undefined)[] = [];
    for (let i = 0; i < keys.length; i++) values.push(lane.value(places === undefined ? i : places[i]!));
    return values;
  }

  async #readSpread(keys: readonly string[]): Promise<(Buffer | undefined)[]> {
    const lanes = keys.map((key) => this.#topology.laneToRead(key));
    const places = keys.map((key, i) => lanes[i]!.read(key));
    for (const lane of lanes) if (!lane.over) await lane.prompt;
    return places.map((place, i) => lanes[i]!.value(place));
  }

  /** Until when the server may carry out what is sent now. Nodes of a cluster have clocks of their own. */
  #latest(): number | undefined {
    return this.#clock.isMeasured ? this.#clock.now() + this.connection.commandTimeout : undefined;
  }

  #announce(invalidation: Invalidation): Lane {
    const lane = this.#topology.laneToRead(this.bookkeeping.clockKey);
    lane.announce(invalidation);
    return lane;
  }

  /** The offset is measured again after each reconnect: another server may have taken over. */
  readonly #onReady = (): void => {
    noteReady(this.connection.client);
    this.#measured = this.#clock.measure();
    this.hooks.onReady?.();
  };

  #checkOpen(): void {
    if (this.isClosed) throw new CacheClosedError('the cache has been closed, with its application');
  }
}

async function readingOf(lane: Lane): Promise<ClockReading> {
  await lane.done;
  return readAnnounced(lane.announced);
}
