import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { InvalidationClock } from '../../lib/coherence/invalidation-clock.js';
import { parseByteSize } from '../../lib/primitives/byte-size.js';
import { CoarseClock, processClock } from '../../lib/primitives/clock.js';
import { didYouMean } from '../../lib/primitives/did-you-mean.js';
import { parseDuration } from '../../lib/primitives/duration.js';
import { CacheConfigError, CacheDurationError } from '../../lib/primitives/errors.js';
import { Glob } from '../../lib/primitives/glob.js';
import { ownKey, storedKey, viewPrefix } from '../../lib/primitives/key.js';

describe('durations', () => {
  it.each([
    [0, 0],
    [1, 1000],
    [0.0001, 1],
    [1.5, 1500],
    ['0s', 0],
    ['250ms', 250],
    ['1.5h', 5_400_000],
    ['2d', 172_800_000],
  ])('%p is %d ms', (duration, ms) => {
    expect(parseDuration(duration, 'ttl')).toBe(ms);
  });

  it.each([
    -1,
    NaN,
    Infinity,
    '',
    '5',
    's',
    '5S',
    '1e3s',
    ' 5s',
    '5 s',
    '-5s',
    '.5s',
    null,
    undefined,
    true,
    [],
    5n,
  ])('refuses %p', (duration) => {
    expect(() => parseDuration(duration, 'memory.ttl')).toThrow(CacheDurationError);
    expect(() => parseDuration(duration, 'memory.ttl')).toThrow(/^memory\.ttl is/);
  });
});

describe('sizes', () => {
  it.each([
    [1, 1],
    [1000.9, 1000],
    ['64mb', 67_108_864],
    ['1.5KB', 1536],
    ['2gb', 2_147_483_648],
    ['7b', 7],
  ])('%p is %d bytes', (size, bytes) => {
    expect(parseByteSize(size, 'memory.maxBytes')).toBe(bytes);
  });

  it.each([0, -5, NaN, Infinity, '', '5', 'mb', '5 mb', '5tb', null, {}])('refuses %p', (size) => {
    expect(() => parseByteSize(size, 'memory.maxBytes')).toThrow(CacheConfigError);
  });
});

describe('patterns', () => {
  it.each([
    ['user:*', 'user:42', true],
    ['user:*', 'user:', true],
    ['user:*', 'users:1', false],
    ['*:posts', 'user:1:posts', true],
    ['u?er', 'user', true],
    ['u?er', 'uer', false],
    ['[a-c]x', 'bx', true],
    ['[c-a]x', 'bx', true],
    ['[^a-c]x', 'bx', false],
    ['[^a-c]x', 'dx', true],
    ['[-a]x', '-x', true],
    [String.raw`[\]]x`, ']x', true],
    [String.raw`\*`, '*', true],
    [String.raw`\*`, 'a', false],
    ['a*b*c', 'a1b2b3c', true],
    ['a*b*c', 'a1b2b3', false],
    ['.', 'a', false],
    ['(a|b)+$', 'a', false],
    ['***', '', true],
    ['ä*', 'äb', true],
  ])('%s on %s: %p', (pattern, key, expected) => {
    expect(new Glob(pattern).matches(key)).toBe(expected);
  });

  it('agree with a slow, obvious matcher', () => {
    const slow = (pattern: string, key: string): boolean => {
      if (pattern === '') return key === '';
      if (pattern[0] === '*')
        return slow(pattern.slice(1), key) || (key !== '' && slow(pattern, key.slice(1)));
      return (
        key !== '' && (pattern[0] === '?' || pattern[0] === key[0]) && slow(pattern.slice(1), key.slice(1))
      );
    };
    const text = fc.string({ unit: fc.constantFrom('a', 'b', ':'), maxLength: 8 });
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', ':', '*', '?'), minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(pattern, text, (p, k) => new Glob(p).matches(k) === slow(p, k)),
      { numRuns: 5000, verbose: 1 },
    );
  });

  it('take no more than length × length steps', () => {
    const hostile = new Glob(`${'a*'.repeat(500)}b`);
    expect(hostile.matches('a'.repeat(1024))).toBe(false);
  });

  it('know what every match begins with', () => {
    expect(new Glob('user:1*').head).toBe('user:1');
    expect(new Glob(String.raw`a\*b?`).head).toBe('a*b');
    expect(new Glob('user:**').isPrefix).toBe(true);
    expect(new Glob('user').isPrefix).toBe(false);
    expect(new Glob('user:*x').isPrefix).toBe(false);
  });
});

describe('stored keys', () => {
  const name = fc.string({ unit: fc.constantFrom('~', ':', 'a', '0', '1'), minLength: 1, maxLength: 4 });
  const place = fc.tuple(fc.array(name, { maxLength: 3 }), name);
  const store = ([views, key]: [string[], string]): string => {
    const view = views.reduce<string>((parent, one) => viewPrefix(parent, one), '');
    return storedKey(view, key);
  };

  it('are never the same for two keys or views', () => {
    fc.assert(
      fc.property(place, place, (one, other) => {
        expect(store(one) === store(other)).toBe(JSON.stringify(one) === JSON.stringify(other));
      }),
      { numRuns: 5000, verbose: 1 },
    );
  });

  it('lead back to the key, in their own view only', () => {
    fc.assert(
      fc.property(place, place, (one, [views]) => {
        const view = views.reduce<string>((parent, part) => viewPrefix(parent, part), '');
        const own = ownKey(view, store(one));
        expect(own).toBe(JSON.stringify(views) === JSON.stringify(one[0]) ? one[1] : undefined);
      }),
      { numRuns: 5000, verbose: 1 },
    );
  });
});

describe('the invalidation clock', () => {
  it('covers an entry until one of its tags or prefixes is invalidated', () => {
    const clock = new InvalidationClock(65_536);
    const slots = clock.slotsOf('user:42:posts', ['a', 'b']);
    const asOf = clock.value;
    clock.tick({ tags: [], prefixes: [] });
    clock.tick({ tags: ['c'], prefixes: [] });
    clock.tick({ tags: [], prefixes: ['user:43:', 'user:42:posts'] });
    expect(clock.covers(slots, asOf)).toBe(true);
    for (const touch of [
      () => clock.tick({ tags: ['x', 'b'], prefixes: [] }),
      () => clock.tick({ tags: [], prefixes: [''] }),
      () => clock.tick({ tags: [], prefixes: ['user:'] }),
      () => clock.tick({ tags: [], prefixes: ['x:', 'user:42:'] }),
    ]) {
      const before = clock.value;
      expect(clock.covers(slots, before)).toBe(true);
      touch();
      expect(clock.covers(slots, before)).toBe(false);
      expect(clock.covers(slots, clock.value)).toBe(true);
    }
  });

  it('keeps a tag apart from a prefix of the same name', () => {
    const clock = new InvalidationClock(65_536);
    expect(clock.slotsOf('user:1', undefined)).not.toContain(clock.slotsOf('x', ['user:'])[1]);
  });

  it('spreads tags evenly over its slots', () => {
    const clock = new InvalidationClock(65_536);
    const hits = new Map<number, number>();
    for (let i = 0; i < 65_536; i++) {
      const [, slot] = clock.slotsOf('k', [`tag:${i}`]) as [number, number];
      hits.set(slot, (hits.get(slot) ?? 0) + 1);
    }
    // Balls into bins: 63 % of the slots are hit, the fullest by about 8.
    expect(hits.size).toBeGreaterThan(40_000);
    expect(Math.max(...hits.values())).toBeLessThan(14);
  });
});

describe('the coarse clock', () => {
  it('never goes back, is never ahead, and is looked at again after 32 reads at the latest', () => {
    const clock = new CoarseClock(processClock);
    let last = clock.now();
    for (let round = 0; round < 100; round++) {
      const before = performance.now();
      for (let read = 0; read < 33; read++) {
        const now = clock.now();
        expect(now).toBeGreaterThanOrEqual(last);
        last = now;
      }
      expect(last).toBeGreaterThanOrEqual(before);
      expect(last).toBeLessThanOrEqual(performance.now());
    }
  });

  it('is looked at again as soon as timers have run', async () => {
    const clock = new CoarseClock(processClock);
    clock.now();
    const before = performance.now();
    // Timers fire in order, so the clock's own has fired by then.
    await new Promise((resolve) => setTimeout(resolve, 2));
    expect(clock.now()).toBeGreaterThanOrEqual(before);
  });
});

describe('did you mean', () => {
  it('names what is close, and nothing that is not', () => {
    expect(didYouMean('maxsize', ['maxBytes', 'maxSize'])).toBe(" (did you mean 'maxSize'?)");
    expect(didYouMean('hsot', ['host', 'port'])).toBe(" (did you mean 'host'?)");
    expect(didYouMean('completely different', ['host', 'port'])).toBe('');
  });
});
