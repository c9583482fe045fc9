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
  const wasCutOff = (process, from, to) => process === 1 && from === 90 && to === 150;
  judges(
    'a late load of a process that was cut off, in that process, apart',
    [deletes(0, 2, 100, 110), reads(1, 1, 160, [90, 150])],
    { staleOther: 1, lateCutOff: 1 },
    wasCutOff,
  );
  judges(
    'a late load of a process that was cut off, in another one, as any other',
    [deletes(0, 2, 100, 110), reads(2, 1, 160, [90, 150], 1)],
    { staleOther: 1, lateOther: 1 },
    wasCutOff,
  );
  const told = (cutOff, failed = []) => ({ process: 1, outages: { cutOff, failed }, end: 90 });
  const late = [deletes(0, 2, 100, 110), reads(1, 1, 260, [90, 150])];
  const apart = { staleOther: 1, lateCutOff: 1 };
  const breach = { staleOther: 1, lateOwn: 1 };
  judges('one that knew itself to be cut off', [told([[120, 130]]), ...late], apart);
  judges('one that found out when it stored', [told([[205, 220]]), ...late], apart);
  judges('one that was cut off before and after, whatever was done to it', [told([[10, 20], [240, 250]]), ...late], breach, wasCutOff); // prettier-ignore
  judges('one whose call failed before the read', [told([], [[240, 250]]), ...late], apart);
  judges('one whose call failed after the read', [told([], [[270, 280]]), ...late], breach);
  const lost = (end, read, byItself) => end === 110 && read < (byItself ? 200 : 1_500);
  const lossOf = (reader, at) => [deletes(0, 2, 100, 110), reads(reader, 1, at)];
  judges('what Redis had lost, apart', lossOf(0, 120), { afterLoss: 1 }, undefined, lost);
  judges('what Redis had lost, when it had to be noticed', lossOf(0, 210), { staleOwn: 1 }, undefined, lost);
  judges(
    'what Redis had lost, elsewhere',
    lossOf(1, 1_200),
    { staleOther: 1, afterLoss: 1 },
    undefined,
    lost,
  );
  judges('what Redis had lost, elsewhere, for too long', lossOf(1, 1_600), { staleOther: 1, staleBeyond: 1 }, undefined, lost); // prettier-ignore
  judges('those who waited for a late load', [deletes(0, 2, 100, 110), reads(1, 1, 105, [90, 150])], {});
}

function judges(what, history, expected, wasCutOff, hadLost) {
  const figures = new Figures();
  const judge = new History({
    maxStaleness: MAX_STALENESS,
    figures,
    onBreach: () => undefined,
    wasCutOff,
    hadLost,
  });
  for (const process of [0, 1, 2]) judge.join(process, 0);
  for (const { process, ...one } of history) {
    const { outages } = one;
    const isRead = one.operation === 'get';
    const invalidations = one.kind === undefined ? [] : [one];
    judge.add({ process, until: one.end, reads: isRead ? [one] : [], invalidations, outages });
  }
  judge.finish();
  const { staleOwn, staleOther, staleBeyond, afterLoss, lateOwn, lateCutOff, lateOther } = figures;
  const none = {
    staleOwn: 0,
    staleOther: 0,
    staleBeyond: 0,
    afterLoss: 0,
    lateOwn: 0,
    lateCutOff: 0,
    lateOther: 0,
  };
  const found = {
    staleOwn,
    staleOther: staleOther.count,
    staleBeyond,
    afterLoss,
    lateOwn,
    lateCutOff,
    lateOther,
  };
  assert.deepEqual(found, { ...none, ...expected }, `the checker judges ${what} wrongly`);
}

function deletes(process, version, begin, end) {
  return { process, kind: 'delete', target: 'k', begin, end, covers: [['k', version]] };
}

function reads(process, version, begin, [loadBegin, loadEnd] = [10, 50], loader = process) {
  const load = { id: 'load', process: loader, begin: loadBegin, end: loadEnd };
  return { process, operation: 'get', key: 'k', begin, end: begin + 1, version, load };
}
