import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Of each kind of breach. */
const KEPT = 50;
const PRINTED = 3;

/** How long before a breach faults may have begun that are shown with it, in milliseconds. */
const CONTEXT = 10_000;

/** A few breaches of each kind, with everything that is needed to understand them. */
export class Examples {
  #kinds = new Map();

  /** @param faults the log of what was done to Redis and to the connections */
  constructor({ part, seed, begun, faults }) {
    Object.assign(this, { part, seed, begun, faults });
  }

  add(kind, example) {
    if (!this.#kinds.has(kind)) this.#kinds.set(kind, []);
    const kept = this.#kinds.get(kind);
    if (kept.length < KEPT) kept.push({ part: this.part, seed: this.seed, ...example });
  }

  addFailure(kind, { begin, ...example }) {
    this.add(kind, begin === undefined ? example : { ...example, begin: round(begin - this.begun) });
  }

  /** A read that should not have been. Times are milliseconds since the run began, as those of the faults are. */
  addRead(kind, read, { version, invalidation }) {
    this.add(kind, {
      key: read.key,
      read: { ...this.#timed(read), process: read.process, operation: read.operation, version: read.version },
      load: { ...read.load, ...this.#timed(read.load) },
      invalidation: { ...invalidation, ...this.#timed(invalidation), version },
      delay: round(read.begin - invalidation.end),
      faults: this.#faultsAround(invalidation.begin, read.end),
    });
  }

  /** An entry older than its row, with the invalidation that was acknowledged, if there was one. */
  addRest(where, { key, version, load }, row, invalidation) {
    this.add('stale at rest', {
      key,
      where,
      version,
      row,
      load: { ...load, ...this.#timed(load) },
      acknowledged: invalidation === undefined ? 'none' : { ...invalidation, ...this.#timed(invalidation) },
      faults: this.#faultsAround(load.begin, invalidation?.end ?? load.end),
    });
  }

  /** The examples of all parts of a run as one list. */
  static all(parts) {
    return parts.flatMap((part) =>
      [...part.#kinds].flatMap(([kind, list]) => list.map((one) => ({ kind, ...one }))),
    );
  }

  #timed({ begin, end }) {
    return { begin: round(begin - this.begun), end: round(end - this.begun) };
  }

  #faultsAround(from, to) {
    const [begin, end] = [from - this.begun - CONTEXT, to - this.begun];
    return this.faults.filter((fault) => fault.begin <= end && (fault.end ?? Infinity) >= begin);
  }
}

/** Writes all examples into a file of its own, one JSON object a line. @returns its name */
export function save(library, examples) {
  const file = join(mkdtempSync(join(tmpdir(), 'coherence-')), `${library}.jsonl`);
  writeFileSync(file, examples.map((example) => `${JSON.stringify(example)}\n`).join(''));
  return file;
}

/** The first few of each kind, for people. */
export function print(examples) {
  for (const kind of new Set(examples.map((example) => example.kind))) {
    const list = examples.filter((example) => example.kind === kind);
    console.log(`\n${kind}, the first ${Math.min(PRINTED, list.length)}:`);
    for (const example of list.slice(0, PRINTED)) console.log(JSON.stringify(example));
  }
}

function round(milliseconds) {
  return Math.round(milliseconds * 1000) / 1000;
}
