import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** A table with a column for each library, as Markdown. */
export function report(results, { minutes, seed, processes }) {
  const head = ['', ...results.map(({ library }) => nameOf(library))];
  const body = ROWS.map(([title, cell]) => [title, ...results.map((result) => cell(result))]);
  const table = [head, head.map(() => '---'), ...body].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  const versions = results.map(({ library }) => versionOf(library)).filter((text) => text !== '');
  return (
    `${minutes} min each with ${processes} processes, maxStaleness 2 s, seed ${seed}, ${availableParallelism()} cores, ` +
    `Node ${process.versions.node}; ${versions.join(', ')}.\n\n${table}`
  );
}

const count = (value) => value.toLocaleString('en');
const ofParts = ({ parts }, read) => parts.map(({ figures }) => count(read(figures))).join(' + ');

const ROWS = [
  ['reads', ({ figures }) => count(figures.reads + figures.missing)],
  ['… that found what was there before', ({ figures }) => count(figures.hits)],
  ['loads', ({ figures }) => count(figures.loads)],
  ['invalidations acknowledged', ({ figures }) => count(figures.acknowledged)],
  ['… by', ({ figures }) => Object.keys(figures.kinds).toSorted().map(code).join(', ')],
  ['invalidations rejected', ({ figures }) => count(figures.rejected)],
  ['**stale reads in the same process**', (result) => ofParts(result, (figures) => figures.staleOwn)],
  ['stale reads in other processes', ({ figures }) => count(figures.staleOther.count)],
  ['… delay, p50', ({ figures }) => duration(figures.staleOther, 0.5)],
  ['… delay, p99', ({ figures }) => duration(figures.staleOther, 0.99)],
  ['… delay, worst', ({ figures }) => duration(figures.staleOther, 1)],
  ['**… beyond maxStaleness**', (result) => ofParts(result, (figures) => figures.staleBeyond)],
  [
    '… of what Redis had lost, soon after it was back',
    (result) => ofParts(result, (figures) => figures.afterLoss),
  ],
  ['**reads of late loads**, same process', (result) => ofParts(result, (figures) => figures.lateOwn)],
  ['… of loads while cut off from Redis', (result) => ofParts(result, (figures) => figures.lateCutOff)],
  ['**reads of late loads**, other process', (result) => ofParts(result, (figures) => figures.lateOther)],
  ['… after the acknowledgement, worst', ({ figures }) => duration(figures.late, 1)],
  ['entries looked at, at rest', ({ figures }) => count(figures.restLooks)],
  ['**entries stale at rest**', (result) => ofParts(result, (figures) => figures.restStale)],
  ['… whose invalidation was rejected', ({ figures }) => count(figures.restStaleUntold)],
  ['reads that failed', (result) => ofParts(result, (figures) => figures.failedReads)],
  ['values of another key', ({ figures }) => count(figures.wrongValues)],
  ['worst read', ({ figures }) => `${(figures.worstRead / 1000).toFixed(1)} s`],
  ['calls that took more than 3.5 s', (result) => ofParts(result, (figures) => figures.slowCalls)],
  ['calls that had not ended at the end', ({ figures }) => count(figures.hanging)],
  ['unhandled rejections', ({ figures }) => count(figures.unhandled)],
  ['processes that ended by themselves', ({ figures }) => count(figures.crashes)],
];

function code(kind) {
  return `\`${kind}\``;
}

function duration(delays, q) {
  if (delays.count === 0) return '–';
  const ms = q === 1 ? delays.max : delays.quantile(q);
  if (ms >= 1_000) return `${(ms / 1000).toFixed(1)} s`;
  return ms >= 10 ? `${Math.round(ms)} ms` : `${ms.toFixed(1)} ms`;
}

function nameOf({ name, promises }) {
  return promises ? `**${name}**` : name;
}

function versionOf({ name, package: from }) {
  if (from === undefined) return '';
  const file = new URL(`../../node_modules/${from}/package.json`, import.meta.url);
  return `${name} ${JSON.parse(readFileSync(file, 'utf8')).version}`;
}
