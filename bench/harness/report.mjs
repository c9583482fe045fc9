import { quantile } from './statistics.mjs';

/** The tables of a run, as Markdown. */
export function report(results, machine) {
  const aims = aimsOf(results);
  return [
    `${machine} ${noiseOf(results)}`,
    ...(aims.length === 0 ? [] : ['### Aims', aimsTable(aims)]),
    ...results.map(scenarioSection),
  ].join('\n\n');
}

/** One scenario as a table, quickest first. */
export function scenarioSection({ scenario, rows }) {
  const heap = scenario.unit === 'bytes';
  const columns = heap ? heapColumns(scenario) : timeColumns(rows);
  const body = rows
    .filter(({ isSubtracted }) => !isSubtracted)
    .toSorted((a, b) => a.ratio - b.ratio)
    .map((row) => columns.map(({ cell }) => cell(row)));
  const head = columns.map(({ title }) => title);
  return `### ${scenario.title}\n\n${scenario.text}\n\n${table(head, body)}`;
}

function timeColumns(rows) {
  const counted = rows.some(({ loads }) => loads !== undefined);
  return [
    { title: '', cell: nameOf },
    { title: 'values', cell: ({ setup }) => setup.values },
    ...(counted ? [{ title: 'loads', cell: ({ loads }) => loads.toLocaleString('en') }] : []),
    { title: 'ratio', cell: ratioOf },
    { title: 'middle half', cell: ({ low, high }) => `${number(low)} – ${number(high)}` },
    { title: '<sub>time</sub>', cell: ({ value }) => `<sub>${duration(value)}</sub>` },
  ];
}

function heapColumns({ baseline }) {
  return [
    { title: '', cell: nameOf },
    { title: 'values', cell: ({ setup }) => setup.values },
    { title: 'bytes beside the value', cell: ({ beside }) => String(Math.round(beside)) },
    { title: `ratio to ${baseline}`, cell: ratioOf },
    { title: '<sub>bytes in all</sub>', cell: ({ value }) => `<sub>${Math.round(value)}</sub>` },
  ];
}

function nameOf({ setup, operation }) {
  const call = setup.offers[operation];
  const code = call === '' ? '' : call.includes(' ') ? `, ${call}` : ` \`${call}\``;
  const [library, ...rest] = setup.name.split(', ');
  const name = `${library}${code}${rest.length === 0 ? '' : `, ${rest.join(', ')}`}`;
  return setup.package === 'nestjs-tiered-cache' ? `**${name}**` : name;
}

function ratioOf({ ratio, isBaseline }) {
  return isBaseline ? '1' : `${number(ratio)}×`;
}

function aimsOf(results) {
  return results.flatMap(({ scenario, rows }) =>
    (scenario.aims ?? []).map((aim) => {
      const row = rows.find(({ id }) => id === aim.row);
      return { ...aim, row, measured: aim.unit === 'bytes' ? row.beside : row.ratio };
    }),
  );
}

function aimsTable(aims) {
  const body = aims.map(({ text, atMost, measured, unit, row }) => {
    const bytes = unit === 'bytes';
    const range = bytes ? '' : `${number(row.low)} – ${number(row.high)}`;
    const shown = bytes ? String(Math.round(measured)) : `${number(measured)}×`;
    return [
      text,
      bytes ? `≤ ${atMost}` : `≤ ${atMost}×`,
      shown,
      range,
      measured <= atMost ? 'met' : '**missed**',
    ];
  });
  return table(['', 'aim', 'measured', 'middle half', ''], body);
}

/** How far the rounds of a row lie apart: the usual row, and the worst of ten. */
function noiseOf(results) {
  const spreads = results.flatMap(({ rows }) => rows.map(({ spread }) => spread)).filter((one) => one > 0);
  if (spreads.length === 0) return '';
  const [usual, worst] = [0.5, 0.9].map((q) => `${(quantile(spreads, q) * 100).toFixed(1)} %`);
  return `Noise: half of the rounds lie within ±${usual} of their row's median in the usual row, within ±${worst} in the worst tenth.`;
}

function table(head, body) {
  return [head, head.map(() => '---'), ...body].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function number(value) {
  if (Math.abs(value) >= 100) return value.toFixed(0);
  if (value > 0 && value < 0.1) return value.toPrecision(2);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function duration(ns) {
  if (ns < 1e3) return `${ns.toFixed(0)} ns`;
  return ns < 1e6 ? `${number(ns / 1e3)} µs` : `${number(ns / 1e6)} ms`;
}
