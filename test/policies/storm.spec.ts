// All policies at once, each caller with his own, in random histories.
import { afterEach, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { ALL_TOPOLOGIES, closeBenches } from '../support/caches.js';
import { Storm } from './storm.js';

afterEach(closeBenches);

// A failure prints its seed and path: give them to `fc.assert` as `{ seed, path }` to go through it again.
it.each(ALL_TOPOLOGIES)(
  'no storm brings back what was invalidated, and all calls end and count: %s',
  async (topology) => {
    const choice = fc.nat({ max: 1_000_000 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(choice, { minLength: 20, maxLength: 150 }),
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
        async (choices, chances) => {
          const storm = await Storm.in(topology, () => Math.min(0.999_999, chances.next().value as number));
          await storm.run(choices);
          await closeBenches();
          expect(storm.violations).toStrictEqual([]);
        },
      ),
      { numRuns: Number(process.env['STORMS'] ?? 120) },
    );
  },
  120_000,
);
