import { Logger } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { of, Subject } from 'rxjs';

import type { ReplyPolicy } from '../../lib/rpc/reply-policy.js';
import { type Bench, closeBenches } from '../support/caches.js';
import { breathe } from '../support/deferred.js';
import { type Asked, Handlers, Replies } from './replies.js';

/** Of the same names as the other. */
class Namesake {
  @MessagePattern('other')
  one() {}
}
Object.defineProperty(Namesake, 'name', { value: 'Handlers' });

// What is not cached is said, here as elsewhere.
Logger.overrideLogger(false);

let bench: Bench;
let read: Replies['read'];
beforeEach(async () => {
  const replies = await Replies.start();
  bench = replies.bench;
  read = replies.read.bind(replies);
});
afterEach(closeBenches);

let runs = 0;

/** Two requests, after each other: whether both get the reply of one run. */
async function isShared(one: Asked, other: Asked, policy: Partial<ReplyPolicy> = {}): Promise<boolean> {
  const first = await read(one, () => of(++runs), policy);
  const second = await read(other, () => of(++runs), policy);
  for (const { seen } of [first, second]) expect(seen).toEqual([expect.any(Number), 'end']);
  return second.seen[0] === first.seen[0];
}

describe('whose a reply is', () => {
  it.each<[string, object]>([
    ['metadata of gRPC', { getMap: () => ({ authorization: 'Bearer 1' }) }],
    ['metadata of TCP and Redis', { getMetadata: () => ({ Authorization: 'Bearer 1' }) }],
    ['headers of NATS', { getHeaders: () => new Map([['Authorization', ['Bearer 1']]]) }],
    ['headers of Kafka', { getMessage: () => ({ headers: { authorization: Buffer.from('1') } }) }],
    ['headers of RabbitMQ', { getMessage: () => ({ properties: { headers: { cookie: 'a=1' } } }) }],
    ['user properties of MQTT', { getPacket: () => ({ properties: { userProperties: { cookie: 'a' } } }) }],
    ['a user that a guard has set', { user: { id: 1 } }],
  ])('nobody else gets what was asked with credentials in the %s', async (_, context) => {
    expect(await isShared({ context }, { context })).toBe(false);
    expect(await isShared({ context }, {})).toBe(false);
    expect(await isShared({ context }, { context }, { scope: 'public' })).toBe(true);
  });

  it('nobody else gets what turns out to be for one user while it is made', async () => {
    const ask = async (id: number): Promise<unknown[]> => {
      const context: { user?: object } = {};
      const reader = await read({ context }, () => {
        context.user = { id };
        return of(id);
      });
      return reader.seen;
    };
    expect([await ask(1), await ask(2)]).toEqual([
      [1, 'end'],
      [2, 'end'],
    ]);
  });

  it('with an identity, replies are kept for each', async () => {
    const policy: Partial<ReplyPolicy> = {
      scope: 'private',
      identity: ({ headers }) => headers['x-user'] as string,
    };
    const by = (user?: string): Asked => ({ context: { getMetadata: () => ({ 'X-User': user }) } });
    expect(await isShared(by('ann'), by('ann'), policy)).toBe(true);
    expect(await isShared(by('ann'), by('bob'), policy)).toBe(false);
    expect(await isShared(by(), by(), policy)).toBe(false);
  });
});

describe('what tells requests apart', () => {
  it.each<[string, Asked, Asked, boolean]>([
    ['equal payloads', { data: { a: 1, b: 2 } }, { data: { b: 2, a: 1 } }, true],
    ['no payload', {}, {}, true],
    ['null and nothing', { data: null }, {}, false],
    ['types', { data: 1 }, { data: '1' }, false],
    ['a payload that cannot be told', { data: new Subject() }, { data: new Subject() }, false],
    ['one of several patterns', { method: 'several' }, { method: 'several' }, false],
    [
      'handlers',
      { context: { getPattern: () => 'a' } },
      { method: 'several', context: { getPattern: () => 'a' } },
      false,
    ],
    ['events', { method: 'event' }, { method: 'event' }, false],
    ['subjects', { context: { getSubject: () => 'a.1' } }, { context: { getSubject: () => 'a.2' } }, false],
    ['topics', { context: { getTopic: () => 'a/1' } }, { context: { getTopic: () => 'a/2' } }, false],
    ['channels', { context: { getChannel: () => 'a1' } }, { context: { getChannel: () => 'a2' } }, false],
  ])('%s', async (_, one, other, shared) => {
    expect(await isShared(one, other)).toBe(shared);
  });

  it('is not known for classes of one name, whichever is asked first, but for methods that one of them has alone', async () => {
    const replies = await Replies.start([Handlers, Namesake]);
    read = replies.read.bind(replies);
    for (const asked of [{}, { controller: Namesake }]) expect(await isShared(asked, asked)).toBe(false);
    const alone = { method: 'several', context: { getPattern: () => 'a' } };
    expect(await isShared(alone, alone)).toBe(true);
  });
});

describe('a stream', () => {
  it('is read as it comes once it takes long, and its handler stops when the reader leaves', async () => {
    const source = new Subject<number>();
    const reader = await read({}, () => source);
    const waiting = await read({}, () => of('own'));
    source.next(1);
    await breathe();
    expect(reader.seen).toEqual([]);
    bench.clock.advance(1_000);
    await breathe();
    expect([reader.seen, waiting.seen]).toEqual([[1], ['own', 'end']]);
    source.next(2);
    expect(reader.seen).toEqual([1, 2]);
    reader.subscription.unsubscribe();
    expect(source.observed).toBe(false);
  });

  it('is not waited for again for a minute', async () => {
    const first = await read({}, () => new Subject());
    const source = new Subject<number>();
    void (await read({ data: 1 }, () => source));
    source.next(1);
    bench.clock.advance(1_000);
    await breathe();
    const soon = new Subject<number>();
    const reader = await read({ data: 2 }, () => soon);
    soon.next(1);
    expect(reader.seen).toEqual([1]);
    bench.clock.advance(60_000);
    expect(await isShared({ data: 3 }, { data: 3 })).toBe(true);
    expect(first.seen).toEqual([]);
  });

  it('is one when it has many emissions, all of which arrive, and nothing is kept', async () => {
    const many = Array.from({ length: 1_500 }, (_, i) => i);
    for (let i = 0; i < 2; i++) expect((await read({}, () => of(...many))).seen).toEqual([...many, 'end']);
    expect(bench.cache.stats().memory?.entries).toBe(0);
  });

  it('is stopped when its reader has left before it was known to be one', async () => {
    const source = new Subject<number>();
    const reader = await read({}, () => source);
    reader.subscription.unsubscribe();
    source.next(1);
    expect(source.observed).toBe(true);
    bench.clock.advance(1_000);
    await breathe();
    expect(source.observed).toBe(false);
  });

  it('is stopped when it turns out to be one in the background', async () => {
    const policy = { options: { ttl: 1, staleWhileRevalidate: 60 } };
    await read({}, () => of('old'), policy);
    bench.clock.advance(2_000);
    const source = new Subject<number>();
    expect((await read({}, () => source, policy)).seen).toEqual(['old', 'end']);
    expect(source.observed).toBe(true);
    source.next(1);
    bench.clock.advance(1_000);
    await breathe();
    expect(source.observed).toBe(false);
  });
});

it('a failure reaches all who wait, after what came before it', async () => {
  const source = new Subject<number>();
  const readers = [await read({}, () => source), await read({}, () => of('own'))];
  source.next(1);
  source.error(new Error('no more'));
  await breathe();
  for (const { seen } of readers) expect(seen).toEqual([1, 'error: no more']);
  expect((await read({}, () => of('anew'))).seen).toEqual(['anew', 'end']);
});

it('a handler that takes too long is stopped, and its caller told', async () => {
  const source = new Subject<number>();
  const policy = { options: { loadTimeout: { hard: 5 } } };
  const reader = await read({}, () => source, policy);
  bench.clock.advance(5_000);
  await breathe();
  expect(reader.seen).toEqual([expect.stringMatching(/^error: .*loadTimeout\.hard/)]);
  expect(source.observed).toBe(false);
});

describe('with a type', () => {
  class Person {
    constructor(readonly name: string) {}
  }
  const policy = { options: { type: Person } };

  it('replies are instances, from the first one on', async () => {
    for (const name of ['Ann', 'Bob']) {
      const { seen } = await read({}, () => of(new Person(name)), policy);
      expect(seen).toEqual([new Person('Ann'), 'end']);
      expect(seen[0]).toBeInstanceOf(Person);
    }
  });

  it('those of several emissions are not kept', async () => {
    for (const name of ['Ann', 'Bob']) {
      const { seen } = await read({}, () => of(new Person(name), new Person('Eve')), policy);
      expect(seen[0]).toEqual(new Person(name));
    }
  });
});
