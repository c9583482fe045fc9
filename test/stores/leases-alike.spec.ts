// The scripts of the Redis store and the server that stands for Redis in the tests of races do the same.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { EnvelopeFormat } from '../../lib/codec/envelope.js';
import type { Change, RemoteStore } from '../../lib/stores/store.js';
import { Leases } from '../../lib/tiers/leases.js';
import { ManualClock } from '../support/manual-clock.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';
import { SteppedConnection } from '../support/stepped-connection.js';
import { SteppedRedis } from '../support/stepped-redis.js';
import { SETTINGS, Stores } from './redis-helpers.js';

const RUNS = 150;
/** Nothing expires by itself while a run lasts. */
const TTL = 1_000_000;
const HASHES = [12345];

let server: RedisServer;
const stores = new Stores();

beforeAll(async () => {
  server = await startRedis();
});
afterAll(async () => {
  await stores.close();
  await server.stop();
});

interface Action {
  readonly kind: Change['kind'];
  readonly lease: number;
  readonly value: number;
}

const lease = fc.integer({ min: 0, max: 2 });
const value = fc.integer({ min: 0, max: 2 });
const KINDS: readonly Change['kind'][] = [
  'claim',
  'reclaim',
  'renew',
  'release',
  'fill',
  'set',
  'discard',
  'remove',
];
const action: fc.Arbitrary<Action> = fc.record({ kind: fc.constantFrom(...KINDS), lease, value });

/** What both stores are given: values as they are stored, of different lengths, and leases. */
class Material {
  readonly values: readonly Buffer[];
  readonly leases: readonly Buffer[];
  readonly key = `cache:${Math.random()}`;

  constructor(readonly epoch: string) {
    const at = { bornAt: 1, expiresAt: 2, staleUntil: 3, loadTime: 4, tags: undefined };
    const format = new EnvelopeFormat('json.1');
    this.values = ['a', 'bb', 'ccc'].map((text) =>
      format.seal(Buffer.from(text), { epoch: '0011223344556677', asOf: 5, ...at }),
    );
    const drafts = new Leases(undefined as never, new ManualClock(), SETTINGS.instance);
    this.leases = [0, 1, 2].map((asOf) => drafts.draft(this.key, '0011223344556677', asOf).bytes);
  }

  changeOf(done: Action, now: number, clock: number): Change {
    const { key } = this;
    const bytes = this.values[done.value]!;
    const head = bytes.subarray(0, new EnvelopeFormat('json.1').headLength);
    const token = this.leases[done.lease]!;
    switch (done.kind) {
      case 'remove':
        return { kind: 'remove', key };
      case 'set':
        return { kind: 'set', key, value: bytes, ttl: TTL };
      case 'discard':
        return { kind: 'discard', key, head };
      case 'claim':
        return { kind: 'claim', key, lease: token, ttl: TTL };
      case 'reclaim':
        return { kind: 'reclaim', key, head, length: bytes.length, lease: token, now, ttl: TTL };
      case 'renew':
        return { kind: 'renew', key, lease: token, ttl: TTL, until: now + TTL };
      case 'release':
        return { kind: 'release', key, lease: token };
      case 'fill': {
        const guard = { epoch: this.epoch, clock, hashes: HASHES };
        return { kind: 'fill', key, lease: token, value: bytes, ttl: TTL, guard };
      }
    }
  }
}

async function play(store: RemoteStore, actions: readonly Action[], material: Material): Promise<unknown[]> {
  const snapshot = await store.feed.join(undefined, false);
  const here = Object.assign(Object.create(material) as Material, { epoch: snapshot.epoch });
  const seen: unknown[] = [];
  const now = 1_700_000_000_000;
  for (const done of actions) {
    const { results } = await store.change([here.changeOf(done, now, snapshot.clock)]);
    const [stored] = await store.getMany([material.key]);
    seen.push([results[0], stored?.toString('hex')]);
  }
  return seen;
}

describe('leases in Redis', () => {
  it('are what the tests of races take them for', async () => {
    const real = await stores.open({ host: '127.0.0.1', port: server.port });
    const stepped = new SteppedConnection(new SteppedRedis(new ManualClock()), {
      ...SETTINGS,
      instance: 'ffffffffffffffff',
    });
    const property = fc.asyncProperty(fc.array(action, { minLength: 3, maxLength: 15 }), async (actions) => {
      const material = new Material('');
      expect(await play(real, actions, material)).toStrictEqual(await play(stepped, actions, material));
    });
    await fc.assert(property, { numRuns: RUNS });
  });

  it('outlive a value that expires before the lease does, and a value keeps the time it has', async () => {
    const store = await stores.open({ host: '127.0.0.1', port: server.port });
    const { key, values, leases } = new Material('');
    const [bytes, token] = [values[0]!, leases[0]!];
    const { headLength } = new EnvelopeFormat('json.1');
    const left = async (): Promise<number> => Number(await server.command('PTTL', key));
    const base = { key, head: bytes.subarray(0, headLength), length: bytes.length, lease: token, now: 0 };
    await store.change([{ kind: 'set', key, value: bytes, ttl: 5_000 }]);
    await store.change([{ kind: 'reclaim', ...base, ttl: 60_000 }]);
    expect(await left()).toBeGreaterThan(50_000);
    await store.change([{ kind: 'renew', key, lease: token, ttl: 90_000, until: 90_000 }]);
    expect(await left()).toBeGreaterThan(80_000);
    await store.change([{ kind: 'renew', key, lease: token, ttl: 10, until: 10 }]);
    expect(await left()).toBeGreaterThan(80_000);
    await store.change([{ kind: 'release', key, lease: token }]);
    expect(await left()).toBeGreaterThan(80_000);
  });
});
