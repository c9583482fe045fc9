// What is run, as data. `setups` are ids from contenders/, `operations` those of them that are timed.
const READS = ['get', 'getOrSet'];

const IN_MEMORY = [
  'tiered-memory',
  'dedupe-memory',
  'cache-manager-map',
  'cache-manager-memory',
  'bento-memory-reference',
  'bento-memory',
  'cacheable-memory-reference',
  'cacheable-memory',
];
const IN_REDIS = ['tiered-redis', 'dedupe-redis', 'cache-manager-redis', 'bento-redis', 'cacheable-redis'];
const IN_BOTH = ['tiered-both', 'cache-manager-both', 'bento-both', 'cacheable-both'];

const memoryHit = { workload: 'read', operations: READS, baseline: 'lru-cache', width: 1, keys: 256 };
const redisHit = { workload: 'read', operations: READS, baseline: 'ioredis', keys: 256 };
const setBoth = { workload: 'write', operations: ['set'], baseline: 'ioredis', keys: 256 };
const stampede = { workload: 'stampede', operations: ['getOrSet'], callers: 10_000, bytes: 600, rounds: 9 };
const heap = { workload: 'heap', operations: ['get'], entries: 100_000, bytes: 600, rounds: 1 };

/** On PostgreSQL, against TypeORM's plain repository. */
const repository = { workload: 'call', baseline: 'typeorm', postgres: true, rounds: 9 };
const CACHED_REPOSITORY = ['cached-repository', 'cached-repository-redis'];

const repositories = [
  {
    ...repository,
    id: 'repository-find-by-id',
    title: 'Repository: `findById`, a hit',
    text: "A row of 8 columns and 600 bytes on PostgreSQL, against `findOneBy({ id })` of TypeORM's repository.",
    operations: ['findById'],
    hits: true,
    setups: ['typeorm', 'typeorm-cache', ...CACHED_REPOSITORY],
    aims: [{ row: 'cached-repository findById', text: 'cached repository, `findById`', atMost: 0.05 }],
  },
  {
    ...repository,
    id: 'repository-find-by-ids',
    title: 'Repository: `findByIds` of 100, of which 10 are not cached',
    text:
      "Ten rows are invalidated before each call, which is not timed. TypeORM's `cache` knows whole results only, and " +
      'would have none.',
    operations: ['findByIds'],
    setups: ['typeorm', ...CACHED_REPOSITORY],
  },
  {
    ...repository,
    id: 'repository-list',
    title: 'Repository: a list of 50, a hit',
    text: '`find({ where: { team }, order: { id: "ASC" } })`, 50 instances of their class for each caller.',
    operations: ['list'],
    hits: true,
    setups: ['typeorm', 'typeorm-cache', ...CACHED_REPOSITORY],
  },
  {
    ...repository,
    id: 'repository-update',
    title: 'Repository: `update` by id',
    text:
      'One statement outside of a transaction, with its invalidation in memory and Redis; beside it, with a `PING` of ' +
      "Redis after it, and with TypeORM's own cache, from which the row's entry is removed by hand.",
    operations: ['update'],
    setups: ['typeorm', 'typeorm-ping', 'typeorm-cache', ...CACHED_REPOSITORY],
  },
];

/** The sizes of values other than the usual 600 bytes, measured for a hit and a write with the quickest way of each. */
const SIZES = [
  { bytes: 100, label: '100 B', keys: 256 },
  { bytes: 1_000, label: '1 kB', keys: 256 },
  { bytes: 100_000, label: '100 kB', keys: 128 },
];

export const scenarios = [
  {
    ...memoryHit,
    id: 'memory-hit',
    title: 'Memory hit',
    text: 'One caller after the other, 600-byte objects, against `async (key) => lru.get(key)`.',
    bytes: 600,
    setups: ['lru-cache', ...IN_MEMORY],
    aims: [
      { row: 'tiered-memory get', text: 'memory hit, `get`', atMost: 1.5 },
      { row: 'tiered-memory getOrSet', text: 'memory hit, `getOrSet`', atMost: 1.5 },
    ],
  },
  {
    ...memoryHit,
    id: 'decorated-hit',
    title: 'Memory hit through `@CachedMethod`',
    text:
      'A method of a provider in a Nest application, against the same baseline. The baseline is given its keys; ' +
      'here they are made from the arguments at each call.',
    bytes: 600,
    setups: [
      'lru-cache',
      'decorated-number',
      'decorated-string',
      'decorated-function',
      'decorated-policies',
      'undecorated',
      'undecorated-options',
      'undecorated-policies',
      'decorated-hash',
      'decorated-object',
    ],
    aims: [
      { row: 'decorated-number get', text: 'decorated hit, template key, a number', atMost: 3 },
      { row: 'decorated-string get', text: 'decorated hit, template key, a string', atMost: 3 },
    ],
  },
  {
    ...redisHit,
    id: 'redis-hit-1',
    title: 'Redis hit, 1 caller',
    text: 'Memory tier off, 600-byte objects, against `GET` and `JSON.parse`.',
    bytes: 600,
    width: 1,
    setups: ['ioredis', 'ioredis-auto', ...IN_REDIS],
  },
  {
    ...redisHit,
    id: 'redis-hit-64',
    title: 'Redis hit, 64 callers',
    text: 'As above, with 64 callers side by side, each of which asks for the next key as soon as it has its answer.',
    bytes: 600,
    width: 64,
    setups: ['ioredis', 'ioredis-auto', 'ioredis-batched', ...IN_REDIS],
    aims: [
      { row: 'tiered-redis get', text: 'Redis hit at 64 callers, `get`', atMost: 0.6 },
      { row: 'tiered-redis getOrSet', text: 'Redis hit at 64 callers, `getOrSet`', atMost: 0.6 },
    ],
  },
  {
    id: 'get-many',
    title: '`getMany` of 100 keys from Redis',
    text:
      'Memory tier off, 600-byte objects, against one `MGET` and `JSON.parse`. BentoCache and async-cache-dedupe have ' +
      'no such call.',
    workload: 'readMany',
    operations: ['getMany'],
    baseline: 'ioredis',
    keys: 300,
    batch: 100,
    bytes: 600,
    setups: ['ioredis', 'tiered-redis', 'cache-manager-redis', 'cacheable-redis'],
    aims: [{ row: 'tiered-redis getMany', text: '`getMany` of 100', atMost: 1.1 }],
  },
  {
    ...setBoth,
    id: 'set-1',
    title: '`set` to both tiers, 1 caller',
    text: '600-byte objects, against `SET` of `JSON.stringify`. async-cache-dedupe has one tier and no `set`.',
    bytes: 600,
    width: 1,
    setups: ['ioredis', 'by-hand-both', ...IN_BOTH],
    aims: [{ row: 'tiered-both set', text: '`set` to both tiers, 1 caller', atMost: 1.3 }],
  },
  {
    ...setBoth,
    id: 'set-64',
    title: '`set` to both tiers, 64 callers',
    text: 'As above, with 64 callers side by side.',
    bytes: 600,
    width: 64,
    setups: ['ioredis', 'ioredis-auto', 'by-hand-both', ...IN_BOTH],
    aims: [{ row: 'tiered-both set', text: '`set` to both tiers, 64 callers', atMost: 1.3 }],
  },
  {
    ...stampede,
    id: 'stampede-memory',
    title: 'Cold stampede, memory tier',
    text: '10,000 callers at once for one cold key, until the last has its value; a load takes 1 ms.',
    baseline: 'by-hand-memory',
    setups: ['by-hand-memory', ...IN_MEMORY],
  },
  {
    ...stampede,
    id: 'stampede-both',
    title: 'Cold stampede, both tiers',
    text: 'The same with Redis behind memory; async-cache-dedupe with Redis alone.',
    baseline: 'by-hand-both',
    setups: ['by-hand-both', 'dedupe-redis', ...IN_BOTH],
  },
  {
    ...heap,
    id: 'heap',
    title: 'Heap per memory entry, read once',
    text:
      '100,000 entries of 600 bytes that have each been read once. What an entry takes beside the value: the array of the ' +
      'decoded values is subtracted, the key is not. A store that keeps JSON instead of the object may come out below 0.',
    read: true,
    unit: 'bytes',
    baseline: 'lru-cache',
    subtract: 'values-alone',
    setups: ['values-alone', 'map', 'lru-cache', ...IN_MEMORY],
    aims: [{ row: 'tiered-memory get', text: 'heap per memory entry, in bytes', atMost: 300, unit: 'bytes' }],
  },
  {
    ...heap,
    id: 'heap-unread',
    title: 'Heap per memory entry, never read',
    text: 'As above, without the read. Here this library holds the encoded value only.',
    read: false,
    unit: 'bytes',
    baseline: 'lru-cache',
    subtract: 'values-alone',
    setups: ['values-alone', 'map', 'lru-cache', ...IN_MEMORY],
  },
  ...repositories,
  ...SIZES.flatMap(({ label, ...size }) => [
    {
      ...memoryHit,
      ...size,
      id: `memory-hit-${size.bytes}`,
      title: `Memory hit, ${label}`,
      text: 'One caller after the other.',
      rounds: 5,
      operations: ['getOrSet'],
      baselineOperation: 'get',
      setups: ['lru-cache', ...IN_MEMORY],
    },
    {
      ...redisHit,
      ...size,
      id: `redis-hit-${size.bytes}`,
      title: `Redis hit, ${label}`,
      text: '64 callers.',
      rounds: 5,
      width: 64,
      operations: ['getOrSet'],
      baselineOperation: 'get',
      setups: ['ioredis', ...IN_REDIS],
    },
    {
      ...setBoth,
      ...size,
      id: `set-${size.bytes}`,
      title: `\`set\` to both tiers, ${label}`,
      text: '64 callers.',
      rounds: 5,
      width: 64,
      setups: ['ioredis', ...IN_BOTH],
    },
  ]),
];
