/** How long an entry is to live from now on. Milliseconds. */
export interface Lifetime {
  /** Until it expires; less than 0 if it has. */
  readonly fresh: number;
  /** Until it is gone: until then it may be served, expired, to those who take that. Not less than `fresh`. */
  readonly stale: number;
  /** Until reads have it refreshed; `Infinity` for never. */
  readonly refresh: number;
}

/**
 * When an entry is refreshed before it expires: after this part of its life, or, with `beta`, at random, the more likely the
 * nearer its end is, and the sooner the longer it took to load.
 */
export type RefreshAhead = number | { readonly beta: number };

/** In the time that loading takes, `beta` times: how early a random refresh is thought of at all. One in 10^8 would be earlier. */
const EARLIEST = 20;

/**
 * @param fresh milliseconds until the entry expires
 * @param life milliseconds of its whole life
 * @param loadTime milliseconds that loading it took
 * @returns milliseconds until its refresh is thought of
 */
export function refreshAfter(
  ahead: RefreshAhead | undefined,
  fresh: number,
  life: number,
  loadTime: number,
): number {
  if (ahead === undefined) return Infinity;
  return fresh - (typeof ahead === 'number' ? life * (1 - ahead) : EARLIEST * ahead.beta * loadTime);
}

/**
 * Whether a read that meets an entry after its `refreshAt` has it refreshed. At random: probabilistic early expiration, Vattani,
 * Chierichetti and Lowenstein, "Optimal Probabilistic Cache Stampede Prevention", VLDB 2015.
 * @param random from 0 to 1
 */
export function refreshIsDue(
  ahead: RefreshAhead,
  { refreshAt, expiresAt }: { readonly refreshAt: number; readonly expiresAt: number },
  now: number,
  random: () => number,
): boolean {
  if (refreshAt === 0 || now < refreshAt) return false;
  if (typeof ahead === 'number') return true;
  const scale = (expiresAt - refreshAt) / EARLIEST;
  return now - scale * Math.log(1 - random()) >= expiresAt;
}
