/** What a value of an ioredis option may be; `null` is allowed for all of them, ioredis' own defaults use it. */
export type OptionKind =
  | 'any'
  | 'array'
  | 'boolean'
  | 'count'
  | 'function'
  | 'list or function'
  | 'milliseconds'
  | 'object'
  | 'port'
  | 'string'
  | 'tls';

export type OptionKinds = Readonly<Record<string, OptionKind>>;

/*
 * The options of ioredis 5.4 to 6.0, from its declarations: redis/RedisOptions.d.ts, connectors/StandaloneConnector.d.ts,
 * connectors/SentinelConnector/index.d.ts, utils/Commander.d.ts, cluster/ClusterOptions.d.ts. ioredis itself ignores a
 * name it does not know, so that a typo would go unnoticed.
 */

const COMMON: OptionKinds = {
  autoPipeliningIgnoredCommands: 'array',
  enableAutoPipelining: 'boolean',
  enableOfflineQueue: 'boolean',
  enableReadyCheck: 'boolean',
  himportFieldsets: 'array',
  keyPrefix: 'string',
  lazyConnect: 'boolean',
  natMap: 'list or function',
  scripts: 'object',
  showFriendlyErrorStack: 'boolean',
};

/** Options of a connection. */
export const SERVER_OPTIONS: OptionKinds = {
  ...COMMON,
  Connector: 'function',
  autoResendUnfulfilledCommands: 'boolean',
  autoResubscribe: 'boolean',
  blockingTimeout: 'milliseconds',
  blockingTimeoutGrace: 'milliseconds',
  clientInfoTag: 'string',
  commandQueue: 'boolean',
  commandTimeout: 'milliseconds',
  connectTimeout: 'milliseconds',
  connectionName: 'string',
  db: 'count',
  disableClientInfo: 'boolean',
  disconnectTimeout: 'milliseconds',
  enableTLSForSentinelMode: 'boolean',
  failoverDetector: 'boolean',
  family: 'count',
  host: 'string',
  keepAlive: 'milliseconds',
  maxLoadingRetryTime: 'milliseconds',
  maxRetriesPerRequest: 'count',
  monitor: 'boolean',
  name: 'string',
  noDelay: 'boolean',
  offlineQueue: 'boolean',
  password: 'string',
  path: 'string',
  port: 'port',
  preferredSlaves: 'list or function',
  protocol: 'count',
  readOnly: 'boolean',
  reconnectOnError: 'function',
  replyMapping: 'string',
  retryStrategy: 'function',
  role: 'string',
  sentinelCommandTimeout: 'milliseconds',
  sentinelMaxConnections: 'count',
  sentinelPassword: 'string',
  sentinelReconnectStrategy: 'function',
  sentinelRetryStrategy: 'function',
  sentinelTLS: 'tls',
  sentinelUsername: 'string',
  sentinels: 'array',
  socketTimeout: 'milliseconds',
  stringNumbers: 'boolean',
  tls: 'tls',
  updateSentinels: 'boolean',
  username: 'string',
};

/** Options of a cluster, those of its connections being `redisOptions`. */
export const CLUSTER_OPTIONS: OptionKinds = {
  ...COMMON,
  clusterNodeRetryStrategy: 'function',
  clusterRetryStrategy: 'function',
  dnsLookup: 'function',
  maxRedirections: 'count',
  redisOptions: 'object',
  resolveSrv: 'function',
  retryDelayOnClusterDown: 'milliseconds',
  retryDelayOnFailover: 'milliseconds',
  retryDelayOnMoved: 'milliseconds',
  retryDelayOnTryAgain: 'milliseconds',
  scaleReads: 'any',
  shardedSubscribers: 'boolean',
  slotsRefreshInterval: 'milliseconds',
  slotsRefreshTimeout: 'milliseconds',
  useSRVRecords: 'boolean',
};
