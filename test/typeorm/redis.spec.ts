// Repositories on a real Redis: what a write costs there, and what happens when it forgets everything.
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import type { DataSource } from 'typeorm';

import { type CreatedCache, createCache } from '../../lib/create-cache.js';
import { CachedRepository } from '../../lib/typeorm/cached-repository.js';
import { DataSourceCache } from '../../lib/typeorm/data-source-cache.js';
import { Deferred } from '../support/deferred.js';
import { describePostgres } from '../support/postgres-server.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';
import { ENTITIES, openSource, Post, User } from './shop.js';

describePostgres('repositories on PostgreSQL and Redis', (postgres) => {
  let redis: RedisServer;
  let admin: Redis;
  /** Begun while nobody else is there: what others send may come before the answer to its own command. */
  let monitor: Redis;
  let url: string;
  beforeAll(async () => {
    redis = await startRedis();
    admin = new Redis(redis.port, redis.host);
    monitor = await admin.monitor();
    ({ url } = await postgres().createDatabase());
  }, 60_000);
  afterAll(async () => {
    monitor.disconnect();
    await admin.quit();
    await redis.stop();
  });

  /** An instance of an application. */
  interface Instance {
    readonly source: DataSource;
    readonly statements: string[];
    readonly created: CreatedCache;
    readonly users: CachedRepository<User>;
    readonly posts: CachedRepository<Post>;
  }
  const open: Instance[] = [];

  async function start(dropSchema: boolean): Promise<Instance> {
    const { source, statements } = await openSource({
      type: 'postgres',
      url,
      synchronize: dropSchema,
      dropSchema,
      entities: ENTITIES,
    });
    const created = await createCache({ redis: { host: redis.host, port: redis.port } });
    const cached = DataSourceCache.of('default', source, created.manager);
    const [users, posts] = [new CachedRepository(cached, User), new CachedRepository(cached, Post)];
    const instance = { source, statements, created, users, posts };
    open.push(instance);
    return instance;
  }

  let one: Instance;
  beforeEach(async () => {
    await admin.flushall();
    one = await start(true);
    await one.users.save([
      { email: 'a@x', name: 'Ann' },
      { email: 'b@x', name: 'Bob' },
    ]);
    await one.posts.save([{ title: 'first', author: { id: 1 } }]);
  });
  afterEach(async () => {
    for (const { source, created } of open.splice(0)) {
      await created.close();
      await source.destroy();
    }
  });

  /** What clients send while `work` runs, but for what they do to hear of others. */
  async function commandsOf(work: () => Promise<unknown>): Promise<string[]> {
    const seen: string[] = [];
    const [begun, ended] = [new Deferred<void>(), new Deferred<void>()];
    const see = (_time: string, args: string[], source: string): void => {
      if (args[1] === 'begin') begun.resolve();
      else if (args[1] === 'end') ended.resolve();
      else if (source !== 'lua') seen.push(args[0]!.toLowerCase());
    };
    monitor.on('monitor', see);
    await admin.echo('begin');
    await begun.promise;
    seen.length = 0;
    await work();
    await admin.echo('end');
    await ended.promise;
    monitor.off('monitor', see);
    return seen.filter((command) => !HEARING.has(command));
  }
  const HEARING = new Set(['xread', 'getrange', 'ping']);

  it.each<[string, (of: Instance) => Promise<unknown>]>([
    ['by id', ({ users }) => users.update(1, { name: 'Anna' })],
    ['by criteria', ({ users }) => users.update({ active: true }, { name: 'Anna' })],
    ['insert', ({ users }) => users.insert({ email: 'c@x', name: 'Cleo' })],
    ['save', ({ users }) => users.save({ id: 1, name: 'Anna' })],
    ['delete, with what cascades', ({ users }) => users.delete(1)],
    [
      'a transaction of several, with savepoints',
      ({ source, users, posts }) =>
        source.transaction(async (manager) => {
          await users.withManager(manager).update(1, { name: 'Anna' });
          await manager.transaction((inner) => posts.withManager(inner).update(1, { title: 'x' }));
          await users.withManager(manager).delete(2);
        }),
    ],
  ])('a write is one round trip to Redis: %s', async (_, write) => {
    await Promise.all([one.users.findById(1), one.posts.cached().find()]);
    expect(await commandsOf(() => write(one))).toHaveLength(1);
  });

  it('what is rolled back is none', async () => {
    const failing = (): Promise<unknown> =>
      one.source
        .transaction(async (manager) => {
          await one.users.withManager(manager).update(1, { name: 'Anna' });
          throw new Error('no');
        })
        .catch(() => {});
    expect(await commandsOf(failing)).toStrictEqual([]);
  });

  it.each(['a row', 'a list'] as const)(
    'FLUSHALL between the SELECT of a reader and its fill, after another instance has written: %s',
    async (what) => {
      const other = await start(false);
      const read = async ({ users }: Instance): Promise<unknown> =>
        what === 'a row' ? (await users.findById(1))?.name : users.cached().count({ where: { name: 'Ann' } });
      const [before, after] = what === 'a row' ? ['Ann', 'Anna'] : [1, 0];
      const [looked, gate] = [new Deferred<void>(), new Deferred<void>()];
      let waits = true;
      one.source.subscribers.push({
        afterQuery: async ({ query }) => {
          if (!waits || !query.startsWith('SELECT')) return;
          waits = false;
          looked.resolve();
          await gate.promise;
        },
      });
      const early = read(one);
      await looked.promise;
      await other.users.update(1, { name: 'Anna' });
      await admin.flushall();
      gate.resolve();
      expect(await early).toBe(before);
      // A third one has nothing but what is in Redis.
      const third = await start(false);
      expect(await read(third)).toBe(after);
      expect(await read(other)).toBe(after);
    },
  );
});
