const GROWTH = Math.log(1.02);

/** A distribution of milliseconds in bounded memory: each is counted in a step of 2 %. */
export class Delays {
  count = 0;
  max = 0;
  #steps = new Map();

  add(milliseconds) {
    const step = Math.ceil(Math.log(Math.max(milliseconds, 0.001)) / GROWTH);
    this.#steps.set(step, (this.#steps.get(step) ?? 0) + 1);
    this.count++;
    this.max = Math.max(this.max, milliseconds);
  }

  merge(other) {
    for (const [step, count] of other.#steps) this.#steps.set(step, (this.#steps.get(step) ?? 0) + count);
    this.count += other.count;
    this.max = Math.max(this.max, other.max);
  }

  /** The delay that the share `q` of all did not exceed; 0 for none. */
  quantile(q) {
    let left = Math.ceil(this.count * q);
    for (const step of [...this.#steps.keys()].toSorted((a, b) => a - b)) {
      left -= this.#steps.get(step);
      if (left <= 0) return Math.min(Math.exp(step * GROWTH), this.max);
    }
    return 0;
  }
}
