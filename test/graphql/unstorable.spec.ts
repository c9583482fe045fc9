import { expect, it } from '@jest/globals';

import { Unstorable } from '../../lib/graphql/unstorable.js';

let now = 0;
const unstorable = (): Unstorable => new Unstorable({ now: () => now });

it('remembers keys for 10 seconds', () => {
  const keys = unstorable();
  expect(keys.has('a')).toBe(false);
  keys.remember('a');
  now += 9_999;
  expect([keys.has('a'), keys.has('b')]).toEqual([true, false]);
  keys.forget('a');
  expect(keys.has('a')).toBe(false);
});

it('lets one find out anew when the time is over, and the others not wait for him', () => {
  const keys = unstorable();
  keys.remember('a');
  now += 10_000;
  expect([keys.has('a'), keys.has('a'), keys.has('a')]).toEqual([false, true, true]);
  now += 10_000;
  expect([keys.has('a'), keys.has('a')]).toEqual([false, true]);
});

it('remembers no more than 10,000, and forgets the oldest first', () => {
  const keys = unstorable();
  for (let i = 0; i < 10_000; i++) keys.remember(`key ${i}`);
  keys.remember('key 0');
  keys.remember('one more');
  expect(['key 0', 'key 1', 'key 2', 'one more'].map((key) => keys.has(key))).toEqual([
    true,
    false,
    true,
    true,
  ]);
});
