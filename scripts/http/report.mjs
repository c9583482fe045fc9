const KINDS = { required: 'required', optimal: 'optional', check: 'behaviours (either is right)' };

export function report(verdicts, { all }) {
  const groups = new Map(
    verdicts.map(({ group }) => [group, verdicts.filter((verdict) => verdict.group === group)]),
  );
  console.table(
    Object.fromEntries(
      [...groups, ['all', verdicts]].map(([name, members]) => [
        name,
        Object.fromEntries(Object.entries(KINDS).map(([kind, title]) => [title, share(members, kind)])),
      ]),
    ),
  );
  const shown = verdicts.filter(({ kind, passed }) => !passed && (all || kind === 'required'));
  for (const { id, kind, name, verdict, message } of shown) {
    console.log(`${id} (${kind}, ${verdict}): ${name}\n    ${message}`);
  }
}

function share(members, kind) {
  const those = members.filter((member) => member.kind === kind);
  return those.length === 0 ? '' : `${those.filter(({ passed }) => passed).length} of ${those.length}`;
}
