// Every combination of the policies, in random histories, against a model that says how it has to be.
import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { CacheLoadTimeoutError, type EntryOptions } from '../../lib/index.js';
import { benchOf, closeBenches, redisFor, TOPOLOGIES } from '../support/caches.js';
import type { ManualClock } from '../support/manual-clock.js';
import { type Expected, type Load, type ModelOptions, ReferenceModel } from './reference-model.js';

const TTL = 10_000;
const RUNS = 5;

type Step =
  | { readonly kind: 'read'; readonly pause: number; readonly load: Load }
  | { readonly kind: 'invalidate'; readonly by: 'delete' | 'tag' | 'prefix' };

const pause = fc.oneof(
  fc.integer({ min: 0, max: 2_000 }),
  fc.constantFrom(4_999, 5_000, 7_499, 7_500, 9_999, 10_000, 10_001, 14_999, 15_000, 29_999, 30_000),
);
const load: fc.Arbitrary<Load> = fc.record({
  takes: fc.constantFrom(0, 10, 300, 700, 2_500),
  result: fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 0, max: 1e6 }) },
    { weight: 1, arbitrary: fc.constant(null) },
    { weight: 4, arbitrary: fc.constant(new Error('the origin is broken')) },
  ),
});
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('read' as const), pause, load }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('invalidate' as const),
        by: fc.constantFrom('delete' as const, 'tag' as const, 'prefix' as const),
      }),
    },
  ),
  { minLength: 5, maxLength: 25 },
);

function* combinations(): Generator<ModelOptions> {
  for (const staleWhileRevalidate of [0, 5_000])
    for (const staleIfError of [0, 20_000])
      for (const refreshAhead of [undefined, 0.5])
        for (const soft of [undefined, 500])
          for (const hard of [undefined, 1_500])
            for (const shortened of [1, 0.75])
              for (const negativeTtl of [undefined, 2_000])
                yield { ttl: TTL, staleWhileRevalidate, staleIfError, refreshAhead, soft, hard, shortened, negativeTtl }; // prettier-ignore
}

function optionsOf(model: ModelOptions): EntryOptions {
  const { soft, hard, refreshAhead, negativeTtl } = model;
  return {
    ttl: model.ttl / 1000,
    tags: ['t'],
    staleWhileRevalidate: model.staleWhileRevalidate / 1000,
    staleIfError: `${model.staleIfError}ms`,
    jitter: model.shortened === 1 ? 0 : 0.5,
    ...(refreshAhead !== undefined && { refreshAhead }),
    ...(negativeTtl !== undefined && { negativeTtl: negativeTtl / 1000 }),
    ...((soft !== undefined || hard !== undefined) && {
      loadTimeout: {
        ...(soft !== undefined && { soft: `${soft}ms` as const }),
        ...(hard !== undefined && { hard: `${hard}ms` as const }),
      },
    }),
  };
}

async function perform(clock: ManualClock, { takes, result }: Load): Promise<unknown> {
  if (takes > 0) await clock.wait(takes);
  if (result instanceof Error) throw result;
  return result;
}

/** What a call came to, once everything it has started is over. */
async function observe(
  clock: ManualClock,
  call: (load: () => Promise<unknown>) => Promise<unknown>,
  given: Load,
): Promise<Expected> {
  const began = clock.now();
  let loads = false;
  let outcome: Expected | undefined;
  const end = (result: unknown): void => {
    const known = result instanceof CacheLoadTimeoutError ? 'timeout' : (result as Expected['result']);
    outcome = { result: known, after: clock.now() - began, loads };
  };
  void call(() => {
    loads = true;
    return perform(clock, given);
  }).then(end, end);
  await clock.pass(given.takes);
  return { ...outcome!, loads };
}

describe.each(TOPOLOGIES)('all policies together: %s', (topology) => {
  afterEach(closeBenches);

  it.each(['getOrSet', 'getOrSetMany'] as const)('%s does what the model says', async (method) => {
    for (const model of combinations()) {
      const property = fc.asyncProperty(steps, async (history) => {
        const reference = new ReferenceModel(model);
        const redis = redisFor(topology);
        const { cache, clock } = await benchOf(
          topology,
          { maxStaleness: '30d', slots: 1_024 },
          redis,
          () => 0.5,
        );
        const options = optionsOf(model);
        const expected: Expected[] = [];
        const observed: Expected[] = [];
        const call = async (run: () => Promise<unknown>): Promise<unknown> => {
          if (method === 'getOrSet') return cache.getOrSet<unknown>('k:1', run, options);
          const many = async () => new Map([['k:1', await run()]]);
          return (await cache.getOrSetMany<unknown>(['k:1'], many, options)).get('k:1');
        };
        for (const step of history) {
          if (step.kind === 'invalidate') {
            if (step.by === 'delete') await cache.delete('k:1');
            else if (step.by === 'tag') await cache.invalidateTags(['t']);
            else await cache.clearPattern('k:*');
            reference.invalidate();
            continue;
          }
          await clock.pass(step.pause);
          expected.push(reference.getOrSet(clock.now(), step.load));
          observed.push(await observe(clock, call, step.load));
        }
        // Once for each history: to expect something costs more than a read.
        expect({ model, observed }).toStrictEqual({ model, observed: expected });
        await closeBenches();
      });
      await fc.assert(property, { numRuns: RUNS });
    }
  });
});
