/** Of the 160 that are for shared caches. The best of those whose results are published pass 132. */
const LEAST = 135;

/** Demands that Set-Cookie is stored and sent to others, which is what must never happen: the only guarded one that may fail. */
const DEMANDS_A_LEAK = 'headers-store-Set-Cookie';

/** What is wrong with these verdicts, each in a line, given the tests that are known not to pass. */
export function contradictions(verdicts, listed) {
  const required = verdicts.filter(({ kind }) => kind === 'required');
  const failed = required.filter(({ passed }) => !passed);
  const passed = required.filter((verdict) => verdict.passed);
  const failedIds = new Set(failed.map(({ id }) => id));
  const passedIds = new Set(passed.map(({ id }) => id));
  return [
    ...failed.filter(({ id }) => !listed.has(id)).map(({ id }) => `${id} does not pass and is not listed`),
    ...[...listed].filter((id) => passedIds.has(id)).map((id) => `${id} is listed, but passes`),
    ...[...listed]
      .filter((id) => !passedIds.has(id) && !failedIds.has(id))
      .map((id) => `${id} is listed, but is no required test of this copy`),
    ...failed
      .filter(({ id, guarded }) => guarded && id !== DEMANDS_A_LEAK)
      .map(({ id }) => `${id} does not pass, and is one of those that must`),
    ...(passed.length < LEAST ? [`${passed.length} required tests pass, fewer than ${LEAST}`] : []),
  ];
}
