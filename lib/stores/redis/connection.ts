import type * as Ioredis from 'ioredis';
import type { Cluster, ClusterOptions, Redis, RedisOptions as ServerOptions } from 'ioredis';

import { CacheConfigError, CacheStoreError } from '../../primitives/errors.js';
import type { ResolvedRedis } from './redis-options.js';
import { connectionFailure } from './store-failure.js';
import { atMost } from './time-limit.js';

/**
 * Options of the connections that the store opens, where the user gives none. All times in milliseconds.
 * The cache must never make a call take long because Redis is away, and a write must never reach Redis long after its
 * caller was told that it failed: by then it might undo a newer one.
 */
export const CONNECTION_DEFAULTS = {
  /** While there is no connection, commands fail at once instead of waiting for one. */
  enableOfflineQueue: false,
  /** Commands under way when a connection breaks fail then … */
  maxRetriesPerRequest: 0,
  /** … and are not sent again over the next one. */
  autoResendUnfulfilledCommands: false,
  /** For one attempt to connect. */
  connectTimeout: 2_000,
  /** How long an ending connection may take to say goodbye. */
  disconnectTimeout: 200,
  /** The longest pause before a server that loads its data is asked again whether it has. */
  maxLoadingRetryTime: 500,
  /** For a tick's commands. A connection that stays silent for so long is given up and made anew. */
  commandTimeout: 2_000,
} as const;

/** The first pause before an attempt to connect, in milliseconds. */
const FIRST_PAUSE = 50;
/** The longest pause between two attempts to connect: Redis is used again soon after its return. There is no last attempt. */
const LONGEST_PAUSE = 500;
/** From being connected to being ready: authentication, and waiting for a server that loads its data. */
const HANDSHAKE_TIMEOUT = 5_000;
/** How long replies under way are waited for when a store is closed … */
const QUIT_TIMEOUT = 1_000;
/** … and then its connections' end: longer than they can take to be broken off, see `disconnectTimeout`. */
const END_TIMEOUT = 2_000;

export interface Connection {
  readonly client: Redis | Cluster;
  /** Whether the store opened it, and so has to close it. */
  readonly owned: boolean;
  /** Milliseconds a tick's commands may take. */
  readonly commandTimeout: number;
}

/**
 * Begins to connect, without waiting for it.
 * @param onError told of every failure of a connection of ours, and whether it is that of one node of a cluster
 * @throws CacheConfigError when ioredis is not installed
 */
export async function openConnection(
  redis: ResolvedRedis,
  onError: (error: Error, ofNode: boolean) => void,
): Promise<Connection> {
  if (redis.kind === 'client') {
    return { client: redis.client, owned: false, commandTimeout: timeoutOf(redis.client.options) };
  }
  const client = await create(redis);
  // Without a listener ioredis writes errors to the console.
  client.on('error', (error: unknown) => onError(connectionFailure('Redis', error), false));
  client.on('node error', (error: unknown, address: string) =>
    onError(connectionFailure(`${address} of the Redis Cluster`, error), true),
  );
  reportLoss(client, onError);
  limitHandshake(client);
  return { client, owned: true, commandTimeout: timeoutOf(redis.options) };
}

async function create(redis: Exclude<ResolvedRedis, { kind: 'client' }>): Promise<Redis | Cluster> {
  const ioredis = await loadIoredis();
  if (redis.kind === 'cluster') return new ioredis.Cluster(redis.nodes, withClusterDefaults(redis.options));
  const options = withDefaults(redis.options);
  return redis.url === undefined ? new ioredis.Redis(options) : new ioredis.Redis(redis.url, options);
}

async function loadIoredis(): Promise<Pick<typeof Ioredis, 'Redis' | 'Cluster'>> {
  try {
    return await import('ioredis');
  } catch (cause) {
    throw new CacheConfigError('redis', "redis needs the package 'ioredis': npm i ioredis", { cause });
  }
}

function withDefaults(options: ServerOptions): ServerOptions {
  const { commandTimeout: _ours, ...defaults } = CONNECTION_DEFAULTS;
  // The store limits the time of a whole tick's commands: ioredis would set a timer for each of them.
  const { commandTimeout: _theirs, ...rest } = withoutUndefined(options);
  return { ...defaults, retryStrategy: pause, reconnectOnError: untilDemoted(), ...rest };
}

function withClusterDefaults({ redisOptions, ...options }: ClusterOptions): ClusterOptions {
  const { enableOfflineQueue } = CONNECTION_DEFAULTS;
  return {
    enableOfflineQueue,
    clusterRetryStrategy: pause,
    ...withoutUndefined(options),
    redisOptions: withDefaults(redisOptions ?? {}),
  };
}

/** Milliseconds until the next attempt: 50, 100, 200, 400, 500, a fifth more or less, so that instances do not come at once. */
function pause(attempt: number): number {
  return Math.min((FIRST_PAUSE / 2) * 2 ** attempt, LONGEST_PAUSE) * (0.8 + 0.4 * Math.random());
}

/**
 * After a failover the connection may still lead to the former master, which is a replica now. Of all that it refuses at once
 * only the first ends the connection.
 */
function untilDemoted(): (error: Error) => boolean {
  let endedAt = -Infinity;
  return ({ message }) => {
    // Before Redis 7 the error of a script has it in the middle.
    if (!/\bREADONLY\b/.test(message) || performance.now() - endedAt < FIRST_PAUSE) return false;
    endedAt = performance.now();
    return true;
  };
}

function timeoutOf({
  commandTimeout,
  redisOptions,
}: Pick<ServerOptions, 'commandTimeout'> & Pick<ClusterOptions, 'redisOptions'>): number {
  return commandTimeout ?? redisOptions?.commandTimeout ?? CONNECTION_DEFAULTS.commandTimeout;
}

function withoutUndefined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

/** A connection that the other side closes is no error to ioredis, only the attempts to make a new one may be. */
function reportLoss(client: Redis | Cluster, onError: (error: Error, ofNode: boolean) => void): void {
  let wasReady = false;
  client.on('ready', () => (wasReady = true));
  client.on('close', () => {
    const lost = 'the connection to Redis was lost, and is being made again';
    if (wasReady) onError(new CacheStoreError(lost, { trouble: 'unreachable' }), false);
    wasReady = false;
  });
}

/** ioredis limits how long it takes to connect, not how long the server takes to answer what it is told first. */
function limitHandshake(client: Redis | Cluster): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  client.on('connect', () => {
    clearTimeout(timer);
    timer = setTimeout(() => client.disconnect(true), HANDSHAKE_TIMEOUT);
  });
  for (const event of ['ready', 'close', 'end']) client.on(event, () => clearTimeout(timer));
}

/** @returns whether the client became ready within so many milliseconds */
export async function becomesReady(client: Redis | Cluster, within: number): Promise<boolean> {
  return client.status === 'ready' || (await happens(client, 'ready', within));
}

/**
 * The database that a client is on: `select` may have been called since it was made. Only while it is ready does it say so, and
 * goes back there after each reconnect. A cluster has but one.
 */
export function databaseOf(client: Redis | Cluster): number | undefined {
  if (client.isCluster || client.status !== 'ready') return undefined;
  return (client as Redis).condition?.select;
}

/**
 * A second connection to the same server, for waiting. It is always ours, and made at once.
 * @param client may be somebody else's, with options that suit its owner
 */
export function duplicate(client: Redis | Cluster): Redis | Cluster {
  const { commandTimeout: _none, disconnectTimeout: _theirs, ...defaults } = CONNECTION_DEFAULTS;
  const options = {
    ...defaults,
    enableAutoPipelining: false,
    retryStrategy: pause,
    reconnectOnError: untilDemoted(),
    // It may wait for as long as nothing happens.
    commandTimeout: undefined,
    socketTimeout: undefined,
    // Replies to XREAD have another shape in version 3.
    protocol: 2 as const,
  };
  if (!client.isCluster) {
    const db = databaseOf(client) ?? (client as Redis).options.db;
    return (client as Redis).duplicate({ ...options, ...(db !== undefined && { db }), lazyConnect: false });
  }
  // Not lazyConnect for the connections to nodes: ioredis makes those when it is time to.
  const cluster = client as Cluster;
  const redisOptions = { ...cluster.options.redisOptions, ...options };
  return cluster.duplicate([], {
    enableOfflineQueue: defaults.enableOfflineQueue,
    lazyConnect: false,
    clusterRetryStrategy: pause,
    redisOptions,
  });
}

/** Ends a connection of ours: replies under way are waited for, but not for long. */
export async function endConnection(client: Redis | Cluster, when?: 'at once'): Promise<void> {
  if (client.status === 'ready' && when !== 'at once') {
    const quit = client.quit().catch(() => undefined);
    await atMost(QUIT_TIMEOUT, quit, () => undefined);
  }
  if (client.status === 'end') return;
  // Between two attempts to connect there is no connection that could end. All that is left then is a timer of ioredis. A
  // cluster that has lost several nodes at once says 'close' while it waits for that.
  const pausing = client.status === 'reconnecting' || client.status === 'close';
  const patience = pausing ? CONNECTION_DEFAULTS.disconnectTimeout + 50 : END_TIMEOUT;
  const ended = happens(client, 'end', patience);
  client.disconnect();
  await ended;
}

function happens(client: Redis | Cluster, event: 'ready' | 'end', within: number): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (happened: boolean): void => {
      clearTimeout(timer);
      client.removeListener(event, onEvent);
      client.removeListener('end', onEnd);
      resolve(happened);
    };
    const onEvent = (): void => finish(true);
    const onEnd = (): void => finish(event === 'end');
    const timer = setTimeout(finish, within, false);
    client.on(event, onEvent);
    client.on('end', onEnd);
  });
}
