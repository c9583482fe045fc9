import { expect, it } from '@jest/globals';

import { LeftAlone, UNSTORABLE_MEMORY } from '../../lib/nest/left-alone.js';

let now = 0;
const unstorable = (): LeftAlone => new LeftAlone(UNSTORABLE_MEMORY, { now: () => now });

it('remembers keys for 10 seconds', () => {
  const keys = unstorable();
  expect(keys.hasForOthers('a')).toBe(false);
  keys.add('a');
  now += 9_999;
  expect([keys.hasForOthers('a'), keys.hasForOthers('b')]).toEqual([true, false]);
  keys.delete('a');
  expect(keys.hasForOthers('a')).toBe(false);
});

it('lets one find out anew when the time is over, and the others not wait for him', () => {
  const keys = unstorable();
  keys.add('a');
  now += 10_000;
  expect([keys.hasForOthers('a'), keys.hasForOthers('a'), keys.hasForOthers('a')]).toEqual([
    false,
    true,
    true,
  ]);
  now += 10_000;
  expect([keys.hasForOthers('a'), keys.hasForOthers('a')]).toEqual([false, true]);
});

it('remembers no more than 10,000, and forgets the oldest first', () => {
  const keys = unstorable();
  for (let i = 0; i < 10_000; i++) keys.add(`key ${i}`);
  keys.add('key 0');
  keys.add('one more');
  expect(['key 0', 'key 1', 'key 2', 'one more'].map((key) => keys.hasForOthers(key))).toEqual([
    true,
    false,
    true,
    true,
  ]);
});
