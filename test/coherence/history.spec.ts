// Random histories: no reader may get less than what was acknowledged, in its process or as far as that has heard, before it
// began; and nothing old may rest anywhere in the end.
import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { ALL_TOPOLOGIES, closeBenches, SHARED_TOPOLOGIES, type Topology } from '../support/caches.js';
import { History, type HistorySettings } from './history.js';

afterEach(closeBenches);

/** Fails with the seed and the shortest history that shows what is wrong. */
async function expectSound(topology: Topology, settings: HistorySettings, numRuns: number): Promise<void> {
  const choices = fc.array(fc.nat(20 * 6 * 60), { minLength: 20, maxLength: 150, size: 'max' });
  const property = fc.asyncProperty(choices, async (made) => {
    const history = await History.in(topology, settings);
    await history.run(made);
    expect(history.violations).toStrictEqual([]);
  });
  await fc.assert(property, { numRuns, verbose: 1 });
}

it.each(ALL_TOPOLOGIES)('one process, %s', async (topology) => {
  await expectSound(topology, { processes: 1, faults: false }, 300);
});

describe.each(SHARED_TOPOLOGIES)('%s', (topology) => {
  it('two processes', async () => {
    await expectSound(topology, { processes: 2, faults: false }, 300);
  });

  it.each([1, 2] as const)(
    'bookkeeping that gets lost, connections that break: %d process(es)',
    async (processes) => {
      await expectSound(topology, { processes, faults: true }, 300);
    },
  );
});
