import { Deadlines } from './deadlines.mjs';
import { Outages } from './outages.mjs';

/**
 * Judges what processes report of their calls. The definitions know nothing of the library under test:
 *
 * - A read is *stale* when it returned a version older than one that was in the database before an invalidation of the key
 *   began which was acknowledged before the read began.
 * - It saw a *late load* when, moreover, the load that made its value ended after that acknowledgement and before the read.
 *   A process that was cut off from Redis while it loaded could not know; such reads in that process are counted apart, and so
 *   are those of what Redis had lost, for as long as nobody need have noticed.
 */
export class History {
  /** @type {Map<string, Map<number, Deadlines>>} by key and by the process that invalidated */
  #deadlines = new Map();
  /** Up to when each process has told everything. */
  #told = new Map();
  #waiting = [];
  #outages = new Outages();

  /**
   * @param wasCutOff tells whether a process could not reach Redis for some of the time between two moments, where it does not
   * say so itself
   * @param hadLost tells whether Redis had lost what was acknowledged at one moment, and had come back without it shortly before
   * another, in which the same process reads or not
   */
  constructor({ maxStaleness, figures, onBreach, wasCutOff = () => false, hadLost = () => false }) {
    this.maxStaleness = maxStaleness;
    this.wasCutOff = wasCutOff;
    this.hadLost = hadLost;
    this.figures = figures;
    this.onBreach = onBreach;
  }

  /** A process that has to be waited for, since it may have invalidated something without having told yet. */
  join(process, since) {
    this.#told.set(process, since);
  }

  leave(process) {
    this.#told.delete(process);
  }

  /** Takes what a process did since it told last: all its calls that ended until `until`. */
  add({ process, until, reads, invalidations, outages }) {
    if (outages !== undefined) this.#outages.add(process, outages);
    for (const { covers, rejected, ...invalidation } of invalidations) {
      if (rejected !== undefined) this.#reject(rejected);
      else this.#acknowledge({ ...invalidation, process }, covers);
    }
    for (const read of reads) this.#waiting.push({ ...read, process });
    if (this.#told.has(process)) this.#told.set(process, until);
    this.#judge(Math.min(...this.#told.values()));
  }

  /** Judges the reads that are left, when there is nobody to wait for any more. */
  finish() {
    this.#judge(Infinity);
  }

  /** The acknowledged invalidation that first told of a newer version, by the process or by the others. */
  outdatedBy(key, version, includes = () => true) {
    let first;
    for (const [process, deadlines] of this.#deadlines.get(key) ?? []) {
      if (!includes(process)) continue;
      const step = deadlines.firstAfter(version);
      if (step !== undefined && (first === undefined || step.end < first.end)) first = step;
    }
    return first;
  }

  #reject(message) {
    this.figures.rejected++;
    // Ports and durations would make many kinds of one.
    this.figures.reject(message.replaceAll(/\d+/g, 'n').slice(0, 200));
  }

  #acknowledge(invalidation, covers) {
    this.figures.acknowledged++;
    this.figures.acknowledge(invalidation.kind);
    for (const [key, version] of covers) {
      if (!this.#deadlines.has(key)) this.#deadlines.set(key, new Map());
      const ofKey = this.#deadlines.get(key);
      if (!ofKey.has(invalidation.process)) ofKey.set(invalidation.process, new Deadlines());
      ofKey.get(invalidation.process).add(version, invalidation);
    }
  }

  /** A read can be judged once all have told of the invalidations that they saw acknowledged before it began. */
  #judge(until) {
    const later = [];
    for (const read of this.#waiting) {
      if (read.begin <= until) this.#judgeRead(read);
      else later.push(read);
    }
    this.#waiting = later;
  }

  #judgeRead(read) {
    const { figures } = this;
    figures.reads++;
    figures.worstRead = Math.max(figures.worstRead, read.end - read.begin);
    if (read.load.end < read.begin) figures.hits++;
    const { key, version, process } = read;
    const own = this.outdatedBy(key, version, (by) => by === process);
    const other = this.outdatedBy(key, version, (by) => by !== process);
    if (own !== undefined && own.end < read.begin) this.#staleOwn(read, own);
    if (other !== undefined && other.end < read.begin) this.#staleOther(read, other);
    this.#checkLoad(read, own !== undefined && (other === undefined || own.end < other.end) ? own : other);
  }

  /** @returns whether it is what came of it that Redis had lost an invalidation that it had acknowledged */
  #isLoss(read, { end, invalidation }) {
    if (!this.hadLost(end, read.begin, invalidation.process === read.process)) return false;
    this.figures.afterLoss++;
    return true;
  }

  #staleOwn(read, step) {
    if (this.#isLoss(read, step)) return;
    this.figures.staleOwn++;
    this.onBreach('stale in the same process', read, step);
  }

  #staleOther(read, step) {
    const delay = read.begin - step.end;
    this.figures.staleOther.add(delay);
    if (delay <= this.maxStaleness || this.#isLoss(read, step)) return;
    this.figures.staleBeyond++;
    this.onBreach('stale beyond maxStaleness', read, step);
  }

  #checkLoad(read, first) {
    const { load } = read;
    if (first === undefined || load.isSet || first.end >= load.end || load.end >= read.begin) return;
    this.figures.late.add(read.begin - first.end);
    if (this.#isLoss(read, first)) return;
    if (load.process !== read.process) this.figures.lateOther++;
    else if (this.#couldNotKnow(load, read)) return void this.figures.lateCutOff++;
    else this.figures.lateOwn++;
    this.onBreach('late load', read, first);
  }
  #couldNotKnow(load, read) {
    return this.#outages.excuse(load, read.begin) ?? this.wasCutOff(load.process, load.begin, load.end);
  }
}
