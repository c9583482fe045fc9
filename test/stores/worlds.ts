import { Redis } from 'ioredis';

import { createRedisStore } from '../../lib/stores/redis/redis-store.js';
import type { Poll } from '../../lib/coherence/feed.js';
import type { Change, RemoteStore } from '../../lib/stores/store.js';
import { breathe } from '../support/deferred.js';
import { ManualClock } from '../support/manual-clock.js';
import type { RedisServer } from '../support/redis-server.js';
import { SteppedConnection } from '../support/stepped-connection.js';
import { SteppedRedis } from '../support/stepped-redis.js';
import { SETTINGS } from './redis-helpers.js';

/** More messages than any test here announces: when a stream is cut short is not the same everywhere. */
const SHARED = { slots: SETTINGS.slots, streamLength: 10_000 };

/** A namespace on a server, real or not, that nobody else uses. Instances have names of 16 hexadecimal digits. */
export interface World {
  open(instance: string, codec?: string): Promise<RemoteStore>;
  /** The messages after this number. */
  messages(store: RemoteStore, after: number): Promise<Poll>;
  /** What is under a key, for how long that may ever be. */
  read(key: string): Promise<string | undefined>;
  deleteClock(): Promise<unknown>;
  deleteStream(): Promise<unknown>;
  /** Puts a message of somebody else into the stream, under the number that comes after `clock`. */
  inject(clock: number): Promise<unknown>;
  /** @returns brings clock and stream back to what they are now */
  replicate(): Promise<() => Promise<unknown>>;
  close(): Promise<unknown>;
}

/** Puts a lease where nothing is, however long that takes: a claim that comes first is given up soon, as loads want it. */
export async function claim(store: RemoteStore, key: string, lease: Buffer, ttl: number): Promise<unknown> {
  const first = { kind: 'discard', key: `${key}:none`, head: lease } as const;
  return (await store.change([first, { kind: 'claim', key, lease, ttl }])).results[1];
}

/** The same for a lease behind a value. */
export async function reclaim(
  store: RemoteStore,
  what: Extract<Change, { kind: 'reclaim' }>,
): Promise<unknown> {
  const first = { kind: 'discard', key: `${what.key}:none`, head: what.lease } as const;
  return (await store.change([first, what])).results[1];
}

let namespaces = 0;

export function realWorld(server: RedisServer): World {
  const namespace = `world${namespaces++}`;
  const [clockKey, streamKey] = [`{${namespace}}~clock`, `{${namespace}}~invalidations`];
  const admin = new Redis(server.port);
  const stores: RemoteStore[] = [];
  const bring = async (key: string, dump: Buffer | null): Promise<unknown> =>
    dump === null ? admin.del(key) : admin.restore(key, 0, dump, 'REPLACE');
  return {
    async open(instance, codec = SETTINGS.codec) {
      const settings = { ...SHARED, namespace, instance, codec };
      const store = await createRedisStore({ port: server.port }, settings, { onError: () => undefined });
      stores.push(store);
      return store;
    },
    messages: (store, after) => store.feed.poll(after, 1),
    read: async (key) => (await admin.getBuffer(key))?.toString('hex'),
    deleteClock: () => admin.del(clockKey),
    deleteStream: () => admin.del(streamKey),
    inject: (clock) => admin.xadd(streamKey, `${clock + 1}-0`, 'm', 'theirs'),
    async replicate() {
      const [clock, stream] = [await admin.dumpBuffer(clockKey), await admin.dumpBuffer(streamKey)];
      return () => Promise.all([bring(clockKey, clock), bring(streamKey, stream)]);
    },
    async close() {
      admin.disconnect();
      await Promise.all(stores.map((store) => store.close()));
    },
  };
}

export function steppedWorld(): World {
  const clock = new ManualClock();
  const redis = new SteppedRedis(clock);
  const { books } = redis;
  const stores: RemoteStore[] = [];
  return {
    async open(instance, codec = SETTINGS.codec) {
      const store = new SteppedConnection(redis, { ...SHARED, instance, codec });
      stores.push(store);
      return store;
    },
    async messages(store, after) {
      const poll = store.feed.poll(after, 1);
      await breathe();
      clock.advance(1);
      return poll;
    },
    read: async (key) => redis.read(key)?.toString('hex'),
    deleteClock: async () => books.deleteClock(),
    deleteStream: async () => books.deleteStream(),
    inject: async () => books.inject('theirs'),
    async replicate() {
      const takeOver = books.replicate();
      return async () => takeOver();
    },
    close: () => Promise.all(stores.map((store) => store.close())),
  };
}
