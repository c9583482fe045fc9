// The bookkeeping of work in progress: which fences an invalidation breaks, and that it costs nothing to have many of one key.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { type Fence, Fences } from '../../lib/coherence/fences.js';
import { invalidationOf } from '../../lib/coherence/invalidation.js';
import { InvalidationClock } from '../../lib/coherence/invalidation-clock.js';
import { SharedClock } from '../../lib/coherence/shared-clock.js';

const KEYS = ['a', 'b', 'c'];

/** Fences as they would be kept if it did not matter what that costs. */
class Model {
  readonly all: { readonly fence: Fence; readonly key: string; open: boolean; broken: boolean }[] = [];

  break(matches: (key: string) => boolean): void {
    for (const one of this.all) if (one.open && matches(one.key)) one.broken = true;
  }
}

type Step = (fences: Fences, model: Model) => void;

const key = fc.constantFrom(...KEYS);
const opening = key.map(
  (name): Step =>
    (fences, { all }) =>
      all.push({ fence: fences.open(name), key: name, open: true, broken: false }),
);
/** Of those opened until then one is closed: the oldest as often as any other, and perhaps for the second time. */
const closing = fc.tuple(fc.boolean(), fc.nat()).map(([oldest, n]): Step => (fences, { all }) => {
  const one = oldest ? all.find(({ open }) => open) : all[n % all.length];
  if (one === undefined) return;
  fences.close(one.fence);
  one.open = false;
});
const breaking = key.map((name): Step => (fences, model) => {
  fences.break(name);
  model.break((other) => other === name);
});
const breakingMatching = fc.subarray(KEYS).map((names): Step => (fences, model) => {
  const matches = (name: string): boolean => names.includes(name);
  fences.breakMatching(matches);
  model.break(matches);
});

describe('fences', () => {
  it('are broken by what comes while they are open, in whatever order they are opened, closed and broken', () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: opening },
      { weight: 4, arbitrary: closing },
      { weight: 1, arbitrary: breaking },
      { weight: 1, arbitrary: breakingMatching },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const fences = new Fences(new InvalidationClock(8), new SharedClock());
        const model = new Model();
        for (const run of steps) {
          run(fences, model);
          expect(model.all.map(({ fence }) => fence.broken)).toStrictEqual(
            model.all.map(({ broken }) => broken),
          );
        }
        const visited: string[] = [];
        fences.breakMatching((name) => visited.push(name) < 0);
        const open = new Set(model.all.filter((one) => one.open).map((one) => one.key));
        expect(new Set(visited)).toStrictEqual(open);
        expect(visited).toHaveLength(open.size);
      }),
      { numRuns: 1_000 },
    );
  });

  it('remember each for itself when they were opened', () => {
    const clock = new InvalidationClock(8);
    const fences = new Fences(clock, new SharedClock());
    const before = fences.open('a');
    clock.tick(invalidationOf({ tags: ['t'] }));
    const after = fences.open('a');
    expect([before, after].map((fence) => fences.admits(fence, ['t']))).toStrictEqual([false, true]);
    fences.restart(before);
    expect(fences.admits(before, ['t'])).toBe(true);
  });

  // Looking for each among the others would be 5,000,000,000 steps: many seconds, and the time allowed is a hundred times too long.
  it.each([
    ['the oldest first', (all: readonly Fence[]) => all],
    ['the newest first', (all: readonly Fence[]) => all.toReversed()],
    ['from the middle', (all: readonly Fence[]) => [...all.slice(50_000), ...all.slice(0, 50_000)]],
  ])('of one key are closed without looking for them: %s', (_, inOrder) => {
    const fences = new Fences(new InvalidationClock(8), new SharedClock());
    const all = Array.from({ length: 100_000 }, () => fences.open('hot'));
    const begun = performance.now();
    for (const fence of inOrder(all)) fences.close(fence);
    expect(performance.now() - begun).toBeLessThan(1_000);
    fences.breakMatching(() => {
      throw new Error('nothing is open');
    });
  });

  it('of one key that are broken again and again are looked at once', () => {
    const fences = new Fences(new InvalidationClock(8), new SharedClock());
    const begun = performance.now();
    const all = Array.from({ length: 100_000 }, () => {
      fences.break('hot');
      return fences.open('hot');
    });
    fences.break('hot');
    expect(performance.now() - begun).toBeLessThan(1_000);
    expect(all.every(({ broken }) => broken)).toBe(true);
  });
});
