// What the answers of a Redis say of it as a whole. No clock decides here, as one does in test/redis/sick-*.
import { afterEach, describe, expect, it } from '@jest/globals';

import type { StoreTrouble } from '../../lib/primitives/errors.js';
import { type Answers, bulk, FakeRedis } from '../support/fake-redis.js';
import { Stores } from './redis-helpers.js';
import { entry, failure, readPatiently, setMany } from './store-helpers.js';

/** In milliseconds; longer than any machine holds up a process. */
const commandTimeout = 30_000;

const stores = new Stores();
let fake: FakeRedis | undefined;

afterEach(async () => {
  await stores.close();
  await fake?.stop();
});

const open = async (answers: Answers): ReturnType<Stores['open']> => {
  fake = await new FakeRedis(answers).start();
  return stores.open({ host: fake.host, port: fake.port, commandTimeout });
};

const TROUBLES: [string, StoreTrouble | undefined][] = [
  ['?what', 'garbled'],
  ['-LOADING Redis is loading the dataset in memory', 'loading'],
  ['-BUSY Redis is busy running a script', 'busy'],
  ['-NOAUTH Authentication required.', 'unauthorized'],
  ["-NOPERM this user has no permissions to run the 'set' command", 'unauthorized'],
  ['-NOPERM this user has no permissions to access one of the keys used as arguments', undefined],
  ["-READONLY You can't write against a read only replica.", 'read-only'],
  ["-ERR Error running script: @user_script:9: -READONLY You can't write against a replica.", 'read-only'],
  ['-MASTERDOWN Link with MASTER is down', 'read-only'],
  ["-OOM command not allowed when used memory > 'maxmemory'.", 'out-of-memory'],
  ['-MISCONF Errors writing to disk', 'disk'],
  ['-NOREPLICAS Not enough good replicas to write.', 'replicas'],
  ['-WRONGTYPE Operation against a key holding the wrong kind of value', undefined],
  ['-ERR no such thing', undefined],
];

describe('a write that is answered with', () => {
  it.each(TROUBLES)('%s: %s', async (answer, trouble) => {
    const store = await open((name) => (name.startsWith('EVAL') ? `${answer}\r\n` : '+OK\r\n'));
    const { code, ...error } = await failure(setMany(store, [entry('a', 'x')]));
    expect([code, (error as { trouble?: StoreTrouble }).trouble]).toEqual(['CACHE_STORE_FAILED', trouble]);
  });
});

describe('a read that is answered with', () => {
  it.each<[string, string]>([
    ['a number', ':42'],
    ['too few values', `*1\r\n${bulk('x').trimEnd()}`],
    ['numbers for values', '*2\r\n:7\r\n:7'],
  ])('%s: garbled', async (_, answer) => {
    const store = await open(() => `${answer}\r\n`);
    expect(await failure(readPatiently(store, ['a', 'b']))).toMatchObject({ trouble: 'garbled' });
  });
});

it('a connection that ends before the answer: unreachable', async () => {
  const store = await open(() => {
    void fake!.stop();
    return '';
  });
  expect(await failure(setMany(store, [entry('a', 'x')]))).toMatchObject({ trouble: 'unreachable' });
});
