// What happens when somebody or something removes or spoils what the cache keeps in Redis beside entries.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';

import { CLOCK_LAYOUT } from '../../lib/stores/redis/clock-scripts.js';
import { Deferred } from '../support/deferred.js';
import { type RedisServer, startRedis, until } from '../support/redis-server.js';
import { heardBy, type Instance, Instances, PRECISE } from './instances.js';
import { Traffic } from './traffic-check.js';

let server: RedisServer;
let admin: Redis;
const instances = new Instances();
let p: Instance;
let q: Instance;
let namespace: string;
let clock: string;
/** The clock as it was before anything happened. */
let old: Buffer;
let stream: string;
let run = 0;

beforeAll(async () => {
  server = await startRedis({ args: PRECISE });
  admin = new Redis(server.port);
});
afterAll(async () => {
  admin.disconnect();
  await server.stop();
});
beforeEach(async () => {
  namespace = `ns${run++}`;
  [clock, stream] = [`{${namespace}}~clock`, `{${namespace}}~invalidations`];
  // The heartbeat is a quarter of this.
  [p, q] = (await instances.openSeveral(2, {
    namespace,
    maxStaleness: '1s',
    redis: { port: server.port },
  })) as [Instance, Instance];
  old = (await admin.getBuffer(clock))!;
  for (let i = 0; i < 5; i++) await p.cache.delete('none');
});
afterEach(() => instances.close());

const epoch = (): Promise<Buffer> => admin.getrangeBuffer(clock, CLOCK_LAYOUT.epoch, CLOCK_LAYOUT.codec - 1);
const inPlaceOf = (key: string): ReturnType<Redis['multi']> => admin.multi().del(key);

/** Each takes the clock away, or what it knows of the last invalidations. */
const LOSSES: Record<string, () => Promise<unknown>> = {
  FLUSHALL: () => admin.flushall(),
  FLUSHDB: () => admin.flushdb('ASYNC'),
  'DEL of the clock': () => admin.del(clock),
  'DEL of both keys': () => admin.del(clock, stream),
  'garbage as the clock': () =>
    admin.set(clock, 'garbage, and more of it than a clock has in its header, much more'),
  'half a clock': async () => admin.set(clock, await admin.getrangeBuffer(clock, 0, 30)),
  'an empty clock': () => admin.set(clock, ''),
  'a list as the clock': () => inPlaceOf(clock).rpush(clock, 'x').exec(),
  'a hash as the clock': () => inPlaceOf(clock).hset(clock, 'a', 'b').exec(),
  'an older clock, as a backup has it': () => admin.set(clock, old),
  'a restart of the server': () => server.restart(),
};

/** Each leaves the clock as it is. */
const NUISANCES: Record<string, () => Promise<unknown>> = {
  'DEL of the stream': () => admin.del(stream),
  'a string as the stream': () => admin.set(stream, 'garbage'),
  'a list as the stream': () => inPlaceOf(stream).rpush(stream, 'x').exec(),
  'a stream of somebody else': () => inPlaceOf(stream).xadd(stream, '*', 'their', 'message').exec(),
  'an emptied stream': () => admin.xtrim(stream, 'MAXLEN', 0),
  'SCRIPT FLUSH': () => admin.script('FLUSH'),
  'a clock of fewer slots': () => {
    const count = Buffer.alloc(8);
    count.writeDoubleLE(16);
    return admin.setrange(clock, CLOCK_LAYOUT.slots, count);
  },
};

/** Everything still works, for both. */
async function expectCoherent(): Promise<void> {
  await until(
    async () => {
      await p.cache.set('works', 1, { tags: ['w'] });
      return (await q.inRedis('works')) === 1 && (await q.cache.get('works')) === 1;
    },
    { what: 'entries being shared again' },
  );
  await heardBy([q], p, () => p.cache.invalidateTags(['w']));
  expect(q.cache.peek('works')).toBeUndefined();
  await expect(q.inRedis('works')).resolves.toBeUndefined();
  await heardBy([p], q, () => q.cache.set('works', 2));
  await expect(p.cache.get('works')).resolves.toBe(2);
}

describe.each(Object.keys(LOSSES))('after %s', (name) => {
  const lose = (): Promise<unknown> => LOSSES[name]!();

  it('nothing that was invalidated comes back; an invalidation at once makes others forget all', async () => {
    await heardBy([q], p, () => p.cache.set('a', 1, { tags: ['t'] }));
    await expect(q.cache.get('a')).resolves.toBe(1);
    const before = await epoch();
    await lose();
    await until(() => server.command('PING'));
    await p.cache.invalidateTags(['t']);
    expect(p.cache.peek('a')).toBeUndefined();
    await expect(p.inRedis('a')).resolves.toBeUndefined();
    await until(() => q.coherence.resyncs > 0 && p.coherence.resyncs > 0, { what: 'both noticing' });
    expect(q.cache.peek('a')).toBeUndefined();
    await expect(q.inRedis('a')).resolves.toBeUndefined();
    await until(() => p.coherence.queued === 0);
    expect(await epoch()).not.toStrictEqual(before);
    expect(q.eventsOf('out-of-sync')).toHaveLength(1);
    await expectCoherent();
  });

  it('in the middle of traffic nobody reads what he may not', async () => {
    const traffic = new Traffic(p, q, 500);
    await traffic.flow(20, lose);
    expect(await traffic.settle()).toStrictEqual([]);
  });
});

describe.each([
  'FLUSHALL',
  'DEL of the clock',
  'a list as the clock',
  'an older clock, as a backup has it',
  'a restart of the server',
])('after %s', (name) => {
  const lose = (): Promise<unknown> => LOSSES[name]!();

  it('entries from before are misses, once the next heartbeat tells', async () => {
    await heardBy([q], p, () => p.cache.set('a', 1, { tags: ['t'] }));
    await p.cache.set('b', 1, { tags: ['u'] });
    // Invalid, and still in Redis: the only thing that says so is about to go.
    await heardBy([q], p, () => p.cache.invalidateTags(['t']));
    const [a, kept] = [`${namespace}:a`, await admin.getBuffer(`${namespace}:a`)];
    await lose();
    await until(() => q.coherence.resyncs > 0 && p.coherence.resyncs > 0, { what: 'both noticing' });
    await admin.set(a, kept!);
    for (const instance of [p, q]) {
      expect(instance.cache.peek('b')).toBeUndefined();
      await expect(instance.cache.getOrSet('b', () => 'loaded')).resolves.toBe('loaded');
      await expect(instance.cache.get('a')).resolves.toBeUndefined();
    }
    await expectCoherent();
  });

  it('what was being loaded is not stored', async () => {
    const load = new Deferred<string>();
    const loading = p.cache.getOrSet('k', () => load.promise, { tags: ['t'] });
    await until(() => p.cache.stats().loadsRunning === 1);
    await lose();
    await until(() => server.command('PING'));
    await q.cache.invalidate(['k'], [], []);
    load.resolve('old');
    await expect(loading).resolves.toBe('old');
    await until(() => p.coherence.resyncs > 0 && q.coherence.resyncs > 0);
    expect(p.cache.peek('k')).toBeUndefined();
    await until(() => q.coherence.queued === 0);
    await expect(q.inRedis('k')).resolves.toBeUndefined();
    await expect(p.inRedis('k')).resolves.toBeUndefined();
    await expectCoherent();
  });
});

describe.each(Object.keys(NUISANCES))('after %s', (name) => {
  it('invalidations are followed', async () => {
    await heardBy([q], p, () => p.cache.set('a', 1, { tags: ['t'] }));
    await heardBy([q], p, () => p.cache.set('b', 1));
    await expect(q.cache.get('a')).resolves.toBe(1);
    await NUISANCES[name]!();
    await p.cache.invalidateTags(['t']);
    await expect(p.inRedis('a')).resolves.toBeUndefined();
    await until(() => q.cache.peek('a') === undefined, { what: 'the other instance hearing of it' });
    await expect(q.inRedis('a')).resolves.toBeUndefined();
    // While it takes over the clock anew, everything is a miss.
    await until(async () => (await q.inRedis('b')) === 1, { what: 'what was not touched being found' });
    await expectCoherent();
  });

  it('in the middle of traffic nobody reads what he may not', async () => {
    const traffic = new Traffic(p, q, 500);
    await traffic.flow(20, NUISANCES[name]);
    expect(await traffic.settle()).toStrictEqual([]);
  });
});

it('a loss is noticed after two heartbeats at most, which is two seconds by default', async () => {
  const options = { namespace: 'slow', redis: { port: server.port } };
  const [one, other] = (await instances.openSeveral(2, options)) as [Instance, Instance];
  await heardBy([other], one, () => one.cache.set('a', 1));
  await admin.flushall();
  const begun = performance.now();
  await until(() => one.coherence.resyncs > 0 && other.coherence.resyncs > 0);
  expect(performance.now() - begun).toBeLessThan(2_500);
});
