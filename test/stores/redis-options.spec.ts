import { inspect } from 'node:util';

import { describe, expect, it, jest } from '@jest/globals';
import { Cluster, Redis } from 'ioredis';

import { CacheConfigError } from '../../lib/primitives/errors.js';
import { resolveRedisOptions } from '../../lib/stores/redis/redis-options.js';
import { SETTINGS } from './redis-helpers.js';

function refused(options: unknown): CacheConfigError {
  try {
    resolveRedisOptions(options);
  } catch (error) {
    expect(error).toBeInstanceOf(CacheConfigError);
    return error as CacheConfigError;
  }
  throw new Error(`${inspect(options)} was accepted`);
}

const idle = { lazyConnect: true } as const;

describe('options that are accepted', () => {
  it.each<[string, object]>([
    ['nothing', {}],
    [
      'host and port',
      { host: 'cache.local', port: 6380, db: 3, username: 'u', password: 'p', keyPrefix: 'x:' },
    ],
    [
      'what is not given',
      { host: undefined, port: 6379, password: null, ttl: undefined, url: undefined, client: undefined },
    ],
    ['tls', { host: 'h', tls: {} }],
    ['a socket', { path: '/run/redis.sock', db: 1 }],
    ['sentinels', { sentinels: [{ host: 'a', port: 26379 }], name: 'mymaster', role: 'master' }],
    [
      'functions and lists',
      { retryStrategy: () => 100, scripts: {}, autoPipeliningIgnoredCommands: ['get'] },
    ],
    ['a ttl', { ttl: '5m' }],
    [
      'null where ioredis has it',
      { maxRetriesPerRequest: null, retryStrategy: null, reconnectOnError: null },
    ],
    ['a URL with other options', { url: 'redis://localhost:6379', db: 2, connectTimeout: 50, tls: {} }],
    ['a URL with everything', { url: 'rediss://user:p%40ss@[::1]:6380/4?family=6&connectionName=x' }],
    ['cluster nodes', { cluster: [{ host: 'a', port: 1 }, 'b:7000', 7001, 'redis://c:7000'], ttl: 5 }],
    [
      'cluster options',
      {
        cluster: { nodes: [7000], options: { redisOptions: { password: 'p', db: 0 }, scaleReads: 'master' } },
      },
    ],
  ])('%s', (_name, options) => {
    expect(() => resolveRedisOptions(options)).not.toThrow();
  });

  it('says what to connect to', () => {
    expect(resolveRedisOptions({ ttl: 60, host: 'h' })).toEqual({
      kind: 'server',
      url: undefined,
      options: { host: 'h' },
    });
    const nodes = [{ host: 'a', port: 1 }];
    expect(resolveRedisOptions({ cluster: nodes })).toEqual({ kind: 'cluster', nodes, options: {} });
    expect(resolveRedisOptions({ cluster: { nodes, options: { maxRedirections: 3 } } })).toEqual({
      kind: 'cluster',
      nodes,
      options: { maxRedirections: 3 },
    });
  });

  it('reads the schemes of Valkey as those of Redis', () => {
    expect(resolveRedisOptions({ url: 'valkey://h:1' })).toMatchObject({ url: 'redis://h:1' });
    expect(resolveRedisOptions({ url: 'valkeys://h:1/2', keyPrefix: 'a' })).toMatchObject({
      url: 'rediss://h:1/2',
      options: { keyPrefix: 'a' },
    });
  });

  it('takes a client or a cluster, and its ttl', () => {
    const client = new Redis(idle);
    const cluster = new Cluster([7000], idle);
    expect(resolveRedisOptions({ client, ttl: 30 })).toEqual({ kind: 'client', client });
    expect(resolveRedisOptions({ client: cluster })).toEqual({ kind: 'client', client: cluster });
  });
});

describe('options that are refused, by name', () => {
  const client = new Redis(idle);

  it.each<[string, unknown, string | RegExp]>([
    ['redis', 'redis://localhost', 'an object'],
    ['redis', [], 'an object'],
    ['redis.hsot', { hsot: 'localhost' }, "did you mean 'host'?"],
    ['redis.Port', { Port: 1 }, "did you mean 'port'?"],
    ['redis.uri', { uri: 'redis://h' }, "did you mean 'url'?"],
    ['redis.constructor', { constructor: 1 }, 'unknown option'],
    ['redis.host', { host: 5 }, 'is 5: expected a string'],
    ['redis.port', { port: '6379' }, 'is a string: expected a whole number'],
    ['redis.port', { port: 0 }, 'from 1 to 65,535'],
    ['redis.port', { port: 65_536 }, 'is 65536'],
    ['redis.port', { port: 1.5 }, 'is 1.5'],
    ['redis.db', { db: -1 }, 'is -1: expected a whole number from 0'],
    ['redis.db', { db: 0.5 }, 'whole number'],
    ['redis.db', { db: Number.NaN }, 'is NaN'],
    ['redis.password', { password: 12_345 }, 'is a number: expected a string'],
    ['redis.tls', { tls: 1 }, 'an object'],
    ['redis.tls', { tls: false }, 'an object'],
    ['redis.connectTimeout', { connectTimeout: '5s' }, 'milliseconds'],
    ['redis.commandTimeout', { commandTimeout: Infinity }, 'milliseconds'],
    ['redis.retryStrategy', { retryStrategy: 100 }, 'a function'],
    ['redis.sentinels', { sentinels: 'a:26379', name: 'm' }, 'an array'],
    ['redis.enableReadyCheck', { enableReadyCheck: 'no' }, 'true or false'],
    ['redis.ttl', { ttl: -1 }, 'redis.ttl is -1'],
    ['redis.ttl', { ttl: '5 minutes' }, 'a string with a unit'],
    ['redis.ttl', { ttl: 0 }, 'nothing would be stored'],
    ['redis.host', { path: '/s', host: 'h' }, 'contradicts redis.path'],
    ['redis.sentinels', { path: '/s', sentinels: [{}], name: 'm' }, 'contradicts redis.path'],
    ['redis.port', { sentinels: [{}], name: 'm', port: 1 }, 'contradicts redis.sentinels'],
    ['redis.name', { sentinels: [{}] }, 'needs redis.name'],
    ['redis.name', { name: 'm' }, 'redis.connectionName'],
    ['redis.readOnly', { readOnly: true }, 'has to write'],
    ['redis.monitor', { monitor: true }, 'has to write'],
    ['redis.role', { sentinels: [{}], name: 'm', role: 'slave' }, 'has to write'],
    ['redis.url', { url: 6379 }, 'a string'],
    ['redis.url', { url: 'http://localhost' }, 'begins with http://'],
    ['redis.url', { url: 'localhost:6379' }, 'has no scheme'],
    ['redis.url', { url: '/run/redis.sock' }, 'redis.path'],
    ['redis.url', { url: 'redis://host:99999' }, 'not a valid URL'],
    ['redis.url', { url: 'redis://host:0' }, 'port 0'],
    ['redis.url', { url: 'redis://user:100%@host' }, 'encodeURIComponent'],
    ['redis.url', { url: 'redis://host/name' }, 'number of the database'],
    ['redis.url', { url: 'redis://host?enableOfflineQueue=false' }, "the parameter 'enableOfflineQueue'"],
    ['redis.url', { url: undefined }, 'is a variable not set'],
    ['redis.client', { client: null, ttl: 5 }, 'is a variable not set'],
    ['redis.cluster', { cluster: undefined, host: undefined }, 'is a variable not set'],
    ['redis.host', { url: 'redis://a', host: 'b' }, 'contradicts redis.url'],
    ['redis.port', { url: 'redis://a', port: 1 }, 'contradicts redis.url'],
    ['redis.path', { url: 'redis://a', path: '/s' }, 'contradicts redis.url'],
    ['redis.sentinels', { url: 'redis://a', sentinels: [{}] }, 'contradicts redis.url'],
    ['redis.db', { url: 'redis://a/1', db: 2 }, 'in redis.url as well'],
    ['redis.password', { url: 'redis://:p@a', password: 'p' }, 'in redis.url as well'],
    ['redis.cluster', { cluster: 'a:7000' }, 'an array of nodes'],
    ['redis.cluster.nodes', { cluster: [] }, 'at least one node'],
    ['redis.cluster.nodes', { cluster: { options: {} } }, 'at least one node'],
    ['redis.cluster.nodes[1]', { cluster: ['a:1', true] }, '{ host, port }'],
    ['redis.cluster.nodes[0].port', { cluster: [99_999] }, '65,535'],
    ['redis.cluster.nodes[0].hots', { cluster: [{ hots: 'a' }] }, "did you mean 'host'?"],
    ['redis.cluster.option', { cluster: { nodes: [1], option: {} } }, "did you mean 'options'?"],
    [
      'redis.cluster.options.maxRedirection',
      { cluster: { nodes: [1], options: { maxRedirection: 1 } } },
      'maxRedirections',
    ],
    [
      'redis.cluster.options.scaleReads',
      { cluster: { nodes: [1], options: { scaleReads: 'slave' } } },
      "'master'",
    ],
    [
      'redis.cluster.options.redisOptions.db',
      { cluster: { nodes: [1], options: { redisOptions: { db: 1 } } } },
      'database 0',
    ],
    [
      'redis.cluster.options.redisOptions.host',
      { cluster: { nodes: [1], options: { redisOptions: { host: 'a' } } } },
      'nodes',
    ],
    [
      'redis.cluster.options.redisOptions.pasword',
      { cluster: { nodes: [1], options: { redisOptions: { pasword: 'a' } } } },
      'password',
    ],
    ['redis.url', { cluster: [1], url: 'redis://a' }, 'beside redis.cluster'],
    ['redis.host', { cluster: [1], host: 'a' }, 'beside redis.cluster'],
    ['redis.db', { cluster: [1], db: 0 }, 'beside redis.cluster'],
    ['redis.client', { client: {} }, 'ioredis'],
    ['redis.client', { client: 'redis://localhost' }, 'ioredis'],
    ['redis.client', { client: { status: 'ready', options: {}, get: () => 1, on: () => 1 } }, 'ioredis'],
    ['redis.url', { client, url: 'redis://a' }, 'beside redis.client'],
    ['redis.cluster', { client, cluster: [1] }, 'beside redis.client'],
    ['redis.keyPrefix', { client, keyPrefix: 'a' }, 'beside redis.client'],
    ['redis.client.options.readOnly', { client: new Redis({ ...idle, readOnly: true }) }, 'has to write'],
    [
      'redis.client.options.scaleReads',
      { client: new Cluster([1], { ...idle, scaleReads: 'all' }) },
      "'master'",
    ],
  ])('%s in %j', (option, options, message) => {
    const error = refused(options);
    expect(error).toMatchObject({ code: 'CACHE_CONFIG_INVALID', option });
    expect(error.message).toContain(message);
    expect(error.message).toContain(option);
  });

  it.each<[unknown]>([
    [{ url: 'redis://user:hunter2@host:99999' }],
    [{ url: 'http://user:hunter2@host' }],
    [{ url: 'redis://user:hunter2%@host' }],
    [{ url: 'redis://user:hunter2@host/x' }],
    [{ url: 'redis://user:hunter2@host?a=b' }],
    [{ url: 'redis://user:hunter2@host', password: 'hunter2' }],
    [{ password: ['hunter2'] }],
    [{ password: 'hunter2', port: 'hunter2' }],
    [{ client: { password: 'hunter2' } }],
  ])('never tells the password of %#', (options) => {
    expect(inspect(refused(options), { depth: 10 }).replaceAll(/at .*/g, '')).not.toContain('hunter2');
  });
});

describe('without ioredis', () => {
  it('says what to install', async () => {
    jest.unstable_mockModule('ioredis', () => {
      throw Object.assign(new Error("Cannot find package 'ioredis'"), { code: 'ERR_MODULE_NOT_FOUND' });
    });
    const { createRedisStore } = await import('../../lib/stores/redis/redis-store.js');
    await expect(createRedisStore({}, SETTINGS, { onError: () => undefined })).rejects.toMatchObject({
      code: 'CACHE_CONFIG_INVALID',
      option: 'redis',
      message: expect.stringContaining('npm i ioredis'),
    });
  });
});
