import { Delays } from './delays.mjs';

const COUNTS = [
  'reads',
  'hits',
  'missing',
  'loads',
  'acknowledged',
  'rejected',
  'failedReads',
  'wrongValues',
  'staleOwn',
  'staleBeyond',
  'afterLoss',
  'lateOwn',
  'lateCutOff',
  'lateOther',
  'restLooks',
  'restStale',
  'restStaleUntold',
  'slowCalls',
  'hanging',
  'unhandled',
  'crashes',
];

/** What one library did in one part of a run, or in all of it. */
export class Figures {
  /** Reads of other processes that returned what an acknowledged invalidation had made out of date. */
  staleOther = new Delays();
  /** How long after the acknowledgement late loads were read. */
  late = new Delays();
  worstRead = 0;
  /** How often each kind of invalidation was acknowledged. */
  kinds = {};
  /** What rejected ones said. */
  rejections = {};

  constructor() {
    for (const name of COUNTS) this[name] = 0;
  }

  acknowledge(kind, times = 1) {
    this.kinds[kind] = (this.kinds[kind] ?? 0) + times;
  }

  reject(message, times = 1) {
    this.rejections[message] = (this.rejections[message] ?? 0) + times;
  }

  merge(other) {
    for (const name of COUNTS) this[name] += other[name];
    for (const [kind, times] of Object.entries(other.kinds)) this.acknowledge(kind, times);
    for (const [message, times] of Object.entries(other.rejections)) this.reject(message, times);
    this.staleOther.merge(other.staleOther);
    this.late.merge(other.late);
    this.worstRead = Math.max(this.worstRead, other.worstRead);
    return this;
  }

  /**
   * The promises that were broken, as words for a report; empty when all were kept.
   * @param strict whether an acknowledgement says that Redis was told: otherwise others may hear of it whenever that is done
   */
  breaches(strict) {
    const toldOthers = {
      'stale reads in other processes beyond maxStaleness': this.staleBeyond,
      'reads of late loads': this.lateOwn + this.lateOther,
    };
    const broken = {
      'stale reads in the process that invalidated': this.staleOwn,
      ...(strict ? toldOthers : {}),
      'entries stale at rest': this.restStale,
      'reads that failed': this.failedReads,
      'values of another key': this.wrongValues,
      'calls that took more than 3.5 s': this.slowCalls,
      'unhandled rejections': this.unhandled,
      'processes that ended by themselves': this.crashes,
    };
    return Object.entries(broken).flatMap(([what, count]) => (count === 0 ? [] : [`${what}: ${count}`]));
  }
}
