// A load meets an invalidation, in every order in which their steps, Redis' replies and the message on the bus can come.
import { describe, expect, it } from '@jest/globals';

import { type InvalidationName, INVALIDATIONS, type LoadName, LOADS, namesOf } from './actions.js';
import { Meeting, type Setting } from './meeting.js';
import { inEveryOrder } from './orders.js';

const TOPOLOGIES = ['memory', 'redis', 'memory + redis', 'memory + cluster'] as const;

/** When the tags become known matters to who may join a load, and that is the same with or without others. */
function loadsIn(topology: string, processes: number): LoadName[] {
  const late: readonly LoadName[] = ['getOrSet, tags from the value', '@CachedMethod'];
  const tells = topology === 'memory' || topology === 'memory + redis';
  return namesOf(LOADS).filter(
    (load) => !late.includes(load) || (tells && (processes === 1 || load === '@CachedMethod')),
  );
}

/**
 * A method's result is no load: nobody was told of it before it was set. If another process has invalidated its key meanwhile,
 * whoever comes last at Redis decides, as with any two sets; tags and prefixes have numbers, and are safe.
 */
function invalidationsFor(load: LoadName, processes: number): InvalidationName[] {
  const decided = ['delete', 'set', 'a pattern'];
  return namesOf(INVALIDATIONS).filter(
    (kind) => processes === 1 || load !== 'setResult' || !decided.includes(kind),
  );
}

/** What goes wrong, and in how many orders it was looked for. */
async function walk(setting: Setting): Promise<{ orders: number; violations: readonly string[] }> {
  const violations: string[] = [];
  const orders = await inEveryOrder(() => Meeting.of(setting, (what) => violations.push(what)));
  return { orders, violations: violations.slice(0, 3) };
}

describe.each(TOPOLOGIES)('%s', (topology) => {
  describe.each(topology === 'memory' ? ([1] as const) : ([1, 2] as const))('%d process(es)', (processes) => {
    describe.each(loadsIn(topology, processes))('%s', (load) => {
      it.each(invalidationsFor(load, processes))('and %s', async (invalidation) => {
        const places =
          processes === 1 ? (['the loader'] as const) : (['the loader', 'the invalidator'] as const);
        for (const stored of topology === 'memory' || load === 'setResult' ? [false] : [false, true]) {
          for (const probing of ['nobody', ...places] as const) {
            const setting = { topology, load, invalidation, processes, stored, probing };
            const { orders, violations } = await walk(setting);
            expect(violations).toStrictEqual([]);
            expect(orders).toBeGreaterThan(3);
          }
        }
      });
    });
  });
});
