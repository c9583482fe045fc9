/**
 * What came of every test that is for shared caches, by the suite's own rule, which its published results go by: a test
 * counts only if it passed, and so did all tests that it depends on, those that are not required included.
 */
export function judge({ groups, determine, resultTypes }, outcomes) {
  const names = new Map(Object.entries(resultTypes).map(([name, type]) => [type, name]));
  return groups.flatMap((group) =>
    group.tests.flatMap((test) => {
      const verdict = names.get(determine(groups, test.id, outcomes));
      // Tests for browsers only are not run.
      if (verdict === 'untested') return [];
      const outcome = outcomes[test.id];
      return [
        {
          id: test.id,
          name: test.name,
          group: group.name,
          kind: test.kind ?? 'required',
          passed: verdict === 'pass' || verdict === 'yes',
          verdict,
          message:
            verdict === 'dependency_fail' ? missing(test, groups, determine, outcomes, names) : outcome[1],
          guarded: isGuarded(test),
        },
      ];
    }),
  );
}

function missing(test, groups, determine, outcomes, names) {
  const failed = test.depends_on.filter(
    (id) => !['pass', 'yes'].includes(names.get(determine(groups, id, outcomes))),
  );
  return `depends on ${failed.join(', ')}`;
}

/** Whether it is about what must not leak: Authorization, Set-Cookie, Vary and no-store, wherever it is sent. */
function isGuarded({ requests }) {
  return requests.some(
    ({ request_headers: sent = [], response_headers: received = [] }) =>
      sent.some(([name]) => name.toLowerCase() === 'authorization') ||
      received.some(
        ([name, value]) => /^(set-cookie|vary)$/i.test(name) || /\bno-store\b/i.test(String(value)),
      ),
  );
}
