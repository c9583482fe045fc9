import { parseDuration } from '../primitives/duration.js';
import { DURATION_NAMES, type EntryOptions, type LoadTimeout } from './entry-options.js';
import { type ResolvedOptions, resolveOptions } from './resolve-options.js';

/** In seconds. A longer duration may still be right: it is then left to the parser to say. */
const LONGEST_PLAIN = 1e9;
/** The most durations remembered that are written as text. Applications have a handful. */
const MOST_DURATIONS = 1_000;

/** Decides the options of calls, without doing it again at each of them. */
export class OptionResolver {
  /** Those that were found to be right, in milliseconds. */
  readonly #durations = new Map<string, number>();
  /** Of options that nobody can change, as those of decorators. */
  readonly #decided = new WeakMap<object, ResolvedOptions>();

  constructor(private readonly defaults: ResolvedOptions) {}

  /** @throws CacheDurationError, CacheArgumentError */
  resolve(options: EntryOptions<never> | undefined): ResolvedOptions {
    if (options === undefined) return this.defaults;
    const decided = this.#decided.get(options);
    if (decided !== undefined) return decided;
    const resolved = resolveOptions(options, this.defaults);
    this.#remember(options as EntryOptions, resolved);
    return resolved;
  }

  /**
   * Whether a memory hit has to look at the options at all. A ttl does not matter to a hit, but a wrong one is an error at
   * every call, not only at those that miss.
   */
  matter(options: EntryOptions<never>): boolean {
    if (typeof options !== 'object' || options === null) return true;
    if (options.type !== undefined || options.isolation !== undefined || options.tiers !== undefined)
      return true;
    const { tags, strict, jitter, refreshAhead, loadTimeout } = options;
    if (strict !== undefined && typeof strict !== 'boolean') return true;
    if (tags !== undefined && typeof tags !== 'function' && !Array.isArray(tags)) return true;
    return !(
      this.#isKnown(options.ttl) &&
      this.#isKnown(options.staleWhileRevalidate) &&
      this.#isKnown(options.staleIfError) &&
      this.#isKnown(options.negativeTtl) &&
      isFraction(jitter) &&
      (refreshAhead === false || isFraction(refreshAhead)) &&
      (loadTimeout === undefined || this.#isKnownTimeout(loadTimeout))
    );
  }

  #remember(options: EntryOptions, resolved: ResolvedOptions): void {
    const { tags, loadTimeout } = options;
    const durations = DURATION_NAMES.map((name) => options[name]);
    if (loadTimeout !== undefined) durations.push(loadTimeout.soft, loadTimeout.hard);
    for (const duration of durations) {
      if (typeof duration !== 'string' || this.#durations.size === MOST_DURATIONS) continue;
      this.#durations.set(duration, parseDuration(duration, 'ttl'));
    }
    const parts = [options, tags, loadTimeout];
    if (parts.every((part) => typeof part === 'function' || Object.isFrozen(part))) {
      this.#decided.set(options, resolved);
    }
  }

  #isKnown(duration: unknown): boolean {
    if (duration === undefined) return true;
    if (typeof duration === 'number') return duration >= 0 && duration <= LONGEST_PLAIN;
    return typeof duration === 'string' && this.#durations.has(duration);
  }

  /** @returns milliseconds, `NaN` for what has to be looked at */
  #known(duration: unknown): number {
    if (!this.#isKnown(duration)) return Number.NaN;
    return typeof duration === 'number' ? duration * 1000 : this.#durations.get(duration as string)!;
  }

  #isKnownTimeout(timeout: LoadTimeout): boolean {
    if (typeof timeout !== 'object' || timeout === null) return false;
    for (const name in timeout) if (name !== 'soft' && name !== 'hard') return false;
    const soft = timeout.soft === undefined ? 1 : this.#known(timeout.soft);
    const hard = timeout.hard === undefined ? Infinity : this.#known(timeout.hard);
    return soft > 0 && soft < hard;
  }
}

function isFraction(part: unknown): boolean {
  return part === undefined || (typeof part === 'number' && part > 0 && part < 1);
}
