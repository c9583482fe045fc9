/** A load's fill is on its way to Redis for so long before nobody waits for it, in milliseconds, and some room. */
const FILLING = 60;
/** How long its outcome may be unknown before the call counts as failed: the time limit of the library under test, and some room. */
const UNKNOWN = 2_600;

/** When processes knew that they had no contact with Redis, and when calls to it failed, as they tell themselves. */
export class Outages {
  /** By process; both are lists of [from, to] in their order. */
  #told = new Map();

  add(process, { cutOff, failed }) {
    if (!this.#told.has(process)) this.#told.set(process, { cutOff: [], failed: [] });
    const told = this.#told.get(process);
    extend(told.cutOff, cutOff);
    extend(told.failed, failed);
  }

  /**
   * Whether the process could not know that a load of its own came too late: it was cut off while it loaded or stored, or a call
   * failed between the load's beginning and the read, which may have been the one that stored it.
   * @returns `undefined` if it says nothing of such things
   */
  excuse({ process, begin, end }, readAt) {
    const told = this.#told.get(process);
    if (told === undefined) return undefined;
    return (
      meets(told.cutOff, begin, end + FILLING) || meets(told.failed, begin, Math.min(readAt, end + UNKNOWN))
    );
  }
}

function extend(list, more) {
  for (const [from, to] of more) {
    const last = list.at(-1);
    if (last !== undefined && last[1] === from) last[1] = to;
    else list.push([from, to]);
  }
}

function meets(list, from, to) {
  let at = list.length - 1;
  while (at >= 0 && list[at][0] > to) at--;
  return at >= 0 && list[at][1] >= from;
}
