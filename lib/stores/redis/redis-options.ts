import type { Cluster, ClusterNode, ClusterOptions, Redis, RedisOptions as ServerOptions } from 'ioredis';

import type { Duration } from '../../primitives/duration.js';
import { CacheConfigError } from '../../primitives/errors.js';
import { optionalTtl } from '../../primitives/ttl-option.js';
import { checkCluster, checkMasterReads, checkServer, checkUrl, checkWritable } from './connection-checks.js';
import { checkObject, isGiven, isObject, type Options, refuse, wrong } from './option-checks.js';

/**
 * The Redis tier. One of
 * - any options of ioredis: `{ host, port, db, username, password, tls, keyPrefix … }`, `{ path }` for a socket,
 *   `{ sentinels, name }`; `{}` is localhost:6379;
 * - `{ url: 'redis://user:password@host:6379/0' }`, `rediss://` for TLS, with options of ioredis beside it;
 * - `{ cluster: [{ host, port }, …] }` or `{ cluster: { nodes, options } }`, the options being those of ioredis' `Cluster`;
 * - `{ client }`, an ioredis `Redis` or `Cluster` that you keep: it is never closed.
 *
 * A second connection with the same options is made to hear what other instances invalidate; that one is closed with the cache.
 *
 * Reads always ask masters, since a replica may still have what was invalidated.
 *
 * Options that are not given are ioredis' own, but for those that decide how long a call can take while Redis is away:
 * see `CONNECTION_DEFAULTS`. A client that is handed in has the options it has. With ioredis' defaults it sends commands
 * once more after it has lost its connection, and keeps those that come meanwhile: a write may then reach Redis after the
 * cache has given it up, and undo a later one of another instance. `autoResendUnfulfilledCommands: false`,
 * `maxRetriesPerRequest: 0` and `enableOfflineQueue: false` prevent that.
 */
export type RedisOptions = {
  /** How long entries live when nothing else says so. */
  ttl?: Duration;
  /**
   * Whether the application needs Redis to start: if it cannot be used within three seconds, the start fails with a
   * `CacheStoreError`. By default it starts without, within a second or so, and Redis is used as soon as it is there.
   */
  required?: boolean;
} & (RedisServerOptions | RedisUrlOptions | RedisClusterOptions | RedisClientOptions);

/** One server, or a master behind Sentinels, by ioredis' own options. */
export interface RedisServerOptions extends ServerOptions {
  url?: undefined;
  cluster?: undefined;
  client?: undefined;
}

/** One server by its URL. */
export interface RedisUrlOptions extends Omit<
  ServerOptions,
  'host' | 'port' | 'path' | 'sentinels' | 'name'
> {
  /** `redis[s]://[[user]:password@]host[:port][/db]`; `valkey[s]://` is the same. */
  url: string;
  cluster?: undefined;
  client?: undefined;
}

/** A Redis Cluster. */
export interface RedisClusterOptions {
  /** Some nodes of the cluster, the others are found; and ioredis' options for `Cluster`. */
  cluster: readonly ClusterNode[] | { nodes: readonly ClusterNode[]; options?: ClusterOptions };
  url?: undefined;
  client?: undefined;
}

/** A connection that the application keeps. */
export interface RedisClientOptions {
  /** It is never closed, and has the options it has. */
  client: Redis | Cluster;
  url?: undefined;
  cluster?: undefined;
}

/** Checked options: what to connect to. */
export type ResolvedRedis =
  | { readonly kind: 'server'; readonly url: string | undefined; readonly options: ServerOptions }
  | { readonly kind: 'cluster'; readonly nodes: ClusterNode[]; readonly options: ClusterOptions }
  | { readonly kind: 'client'; readonly client: Redis | Cluster };

/**
 * Checks the options of the Redis tier. Nothing is connected yet.
 * @throws CacheConfigError that names the option; it never repeats a password
 */
export function resolveRedisOptions(given: unknown): ResolvedRedis {
  checkObject(given, 'redis');
  const { ttl, required, ...options } = given;
  optionalTtl(ttl, 'redis.ttl');
  if (required !== undefined && typeof required !== 'boolean') {
    throw wrong('redis.required', required, 'true or false');
  }
  if (isGiven(options, 'client')) return resolveClient(options);
  if (isGiven(options, 'cluster')) return resolveCluster(options);
  const { url: _url, client: _client, cluster: _cluster, ...server } = options;
  if (isGiven(options, 'url')) {
    return { kind: 'server', url: checkUrl({ ...server, url: options['url'] }, 'redis'), options: server };
  }
  checkServer(server, 'redis');
  checkIntended(options);
  return { kind: 'server', url: undefined, options: server };
}

/** A variable that is not set must not quietly become localhost. */
function checkIntended(options: Options): void {
  if (['host', 'port', 'path', 'sentinels'].some((name) => isGiven(options, name))) return;
  const empty = ['url', 'client', 'cluster'].find((name) => name in options);
  if (empty === undefined) return;
  throw new CacheConfigError(
    `redis.${empty}`,
    `redis.${empty} is ${String(options[empty])}: is a variable not set? Leave redis out for a cache in memory only, or say host`,
  );
}

function resolveClient({ client, ...rest }: Options): ResolvedRedis {
  refuse(
    rest,
    Object.keys(rest),
    'redis',
    'cannot be given beside redis.client: the client has its options already',
  );
  if (!isClient(client)) {
    throw wrong('redis.client', client, 'a Redis or Cluster of ioredis (other clients are not supported)');
  }
  const options = client.options as Options;
  checkWritable(options, 'redis.client.options');
  if (client.isCluster) checkMasterReads(options, 'redis.client.options');
  return { kind: 'client', client };
}

function resolveCluster({ cluster, ...rest }: Options): ResolvedRedis {
  refuse(
    rest,
    Object.keys(rest),
    'redis',
    'cannot be given beside redis.cluster: options of its connections go into redis.cluster.options.redisOptions',
  );
  const { nodes, options } = checkCluster(cluster, 'redis.cluster');
  return { kind: 'cluster', nodes: [...nodes] as ClusterNode[], options };
}

/** By its looks: the client may come from another copy or version of ioredis than ours. */
function isClient(client: unknown): client is Redis | Cluster {
  if (!isObject(client) || typeof client['status'] !== 'string' || !isObject(client['options'])) return false;
  const functions = ['mgetBuffer', 'set', 'unlink', 'scan', 'pipeline', 'on', 'removeListener'];
  const own = client['isCluster'] === true ? [...functions, 'nodes'] : functions;
  return own.every((name) => typeof client[name] === 'function');
}
