import assert from 'node:assert/strict';

import { Figures } from './figures.mjs';
import { History } from './history.mjs';

const MAX_STALENESS = 1_000;

/** What the checker makes of histories whose outcome is known. Times are milliseconds, versions those of the one row. */
export function testHistory() {
  judges('a fresh read as fresh', [deletes(0, 2, 100, 110), reads(0, 2, 120)], {});
  judges(
    'a read that began before the acknowledgement as fresh',
    [deletes(0, 2, 100, 110), reads(0, 1, 105)],
    {},
  );
  judges('an older value in the same process', [deletes(0, 2, 100, 110), reads(0, 1, 120)], { staleOwn: 1 });
  judges('an older value in another process', [deletes(0, 2, 100, 110), reads(1, 1, 120)], { staleOther: 1 });
  judges('one that is older than allowed', [deletes(0, 2, 100, 110), reads(1, 1, 1_111)], {
    staleOther: 1,
    staleBeyond: 1,
  });
  judges(
    'the delay since the first acknowledgement',
    [deletes(0, 2, 100, 110), deletes(0, 3, 1_000, 1_010), reads(1, 1, 1_111)],
    { staleOther: 1, staleBeyond: 1 },
  );
  judges(
    'a value that only a later invalidation made old',
    [deletes(0, 2, 100, 110), deletes(0, 3, 1_000, 1_010), reads(1, 2, 1_111)],
    { staleOther: 1 },
  );
  judges(
    'a rejected invalidation as none',
    [{ ...deletes(0, 2, 100, 110), rejected: 'no' }, reads(0, 1, 120)],
    {},
  );
  judges('an invalidation that is told after the read', [reads(1, 1, 120), deletes(0, 2, 100, 110)], {
    staleOther: 1,
  });
  judges('a late load', [deletes(0, 2, 100, 110), reads(1, 1, 160, [90, 150])], {
    staleOther: 1,
    lateOwn: 1,
  });
  judges('a late load of another process', [deletes(0, 2, 100, 110), reads(1, 1, 160, [90, 150], 2)], {
    staleOther: 1,
    lateOther: 1,
  });
  const cutOff = (process, from, to) => process === 1 && from === 90 && to === 150;
  judges(
    'a late load of a process that was cut off, in that process, apart',
    [deletes(0, 2, 100, 110), reads(1, 1, 160, [90, 150])],
    { staleOther: 1, lateCutOff: 1 },
    cutOff,
  );
  judges(
    'a late load of a process that was cut off, in another one, as any other',
    [deletes(0, 2, 100, 110), reads(2, 1, 160, [90, 150], 1)],
    { staleOther: 1, lateOther: 1 },
    cutOff,
  );
  judges('those who waited for a late load', [deletes(0, 2, 100, 110), reads(1, 1, 105, [90, 150])], {});
}

function judges(what, history, expected, wasCutOff) {
  const figures = new Figures();
  const judge = new History({ maxStaleness: MAX_STALENESS, figures, onBreach: () => undefined, wasCutOff });
  for (const process of [0, 1, 2]) judge.join(process, 0);
  for (const { process, ...one } of history) {
    const isRead = one.operation === 'get';
    judge.add({ process, until: one.end, reads: isRead ? [one] : [], invalidations: isRead ? [] : [one] });
  }
  judge.finish();
  const { staleOwn, staleOther, staleBeyond, lateOwn, lateCutOff, lateOther } = figures;
  const none = { staleOwn: 0, staleOther: 0, staleBeyond: 0, lateOwn: 0, lateCutOff: 0, lateOther: 0 };
  const found = { staleOwn, staleOther: staleOther.count, staleBeyond, lateOwn, lateCutOff, lateOther };
  assert.deepEqual(found, { ...none, ...expected }, `the checker judges ${what} wrongly`);
}

function deletes(process, version, begin, end) {
  return { process, kind: 'delete', target: 'k', begin, end, covers: [['k', version]] };
}

function reads(process, version, begin, [loadBegin, loadEnd] = [10, 50], loader = process) {
  const load = { id: 'load', process: loader, begin: loadBegin, end: loadEnd };
  return { process, operation: 'get', key: 'k', begin, end: begin + 1, version, load };
}
