/**
 * The acknowledged invalidations of one key by one process: when was a version of the row first known to be out of date?
 * An invalidation is kept only if no other has both a version as new and an end as early, so that there is one at most per
 * version of the row.
 */
export class Deadlines {
  /** Rising in both version and end. */
  #steps = [];

  add(version, invalidation) {
    const { end } = invalidation;
    const at = this.#firstFrom(version);
    if (at < this.#steps.length && this.#steps[at].end <= end) return;
    let from = at;
    while (from > 0 && this.#steps[from - 1].end >= end) from--;
    const same = this.#steps[at]?.version === version ? 1 : 0;
    this.#steps.splice(from, at - from + same, { version, end, invalidation });
  }

  /** The step that first told of a version newer than this one. */
  firstAfter(version) {
    return this.#steps[this.#firstFrom(version + 1)];
  }

  /** The place of the first step with this version or a newer one. */
  #firstFrom(version) {
    let low = 0;
    let high = this.#steps.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#steps[middle].version < version) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
