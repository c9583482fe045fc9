import { now } from '../time.mjs';

/** Examples of failures are kept: a few of each batch will do. */
const EXAMPLES = 3;

/** Collects what a process does and sends it off in small batches; nothing is kept. */
export class Recorder {
  #batch = emptyBatch();

  constructor(send) {
    this.send = send;
  }

  /** A value that a read returned. A set has no load: its value was made when it began. */
  read(operation, key, begin, end, value) {
    if (value?.key === key && typeof value.version === 'number') {
      this.#batch.reads.push({ operation, key, begin, end, version: value.version, load: value.load });
    } else {
      this.failure('wrongValues', { operation, key, value: JSON.stringify(value)?.slice(0, 200) });
    }
  }

  /** @param covers pairs of key and the version of its row that was there before the invalidation began */
  invalidation(kind, target, begin, end, covers, error) {
    const rejected = error === undefined ? undefined : String(error?.message ?? error);
    this.#batch.invalidations.push({ kind, target, begin, end, covers, rejected });
  }

  /** What the library said of its contact with Redis from one moment to the next. */
  contact({ from, to, cutOff, failed }) {
    this.#batch.outages ??= { cutOff: [], failed: [] };
    if (cutOff) this.#batch.outages.cutOff.push([from, to]);
    if (failed) this.#batch.outages.failed.push([from, to]);
  }

  slow(call, begin) {
    this.failure('slowCalls', { call, begin });
  }

  /** A call that rejected though it had no reason to, or the like. */
  failure(name, example) {
    this.count(name);
    if (this.#batch.failures.length < EXAMPLES) this.#batch.failures.push({ name, ...example });
  }

  count(name, times = 1) {
    this.#batch.counts[name] = (this.#batch.counts[name] ?? 0) + times;
  }

  flush() {
    // Taken before anything is sent: calls that end from now on belong to the next batch.
    const until = now();
    this.send({ until, ...this.#batch });
    this.#batch = emptyBatch();
  }
}

function emptyBatch() {
  return { reads: [], invalidations: [], outages: undefined, counts: {}, failures: [] };
}
