import { types } from 'node:util';
import { CacheValueError } from '../primitives/errors.js';
import { isBinary, markBinary, type Binary } from './binary.js';
import { errorParts } from './error-values.js';
import { MAX_DEPTH, MAX_REGEXP_SOURCE } from './limits.js';
import { DEL, Mark, isVerbatim, markBigint, markDate, markNumber } from './marks.js';
import { formatPath, type Step } from './path.js';
import { cycleTo, problemOf, SPARSE, tooDeep, tooMuchRegExp, UNDEFINED, type Problem } from './problems.js';

/** Where looking for cycles begins. A cycle gets here at once, ordinary data never does, and pays nothing. */
const CYCLE_CHECK_DEPTH = 32;
/** Arrays longer than this are looked at before they are walked: `a[id] = x` with a large id is a mistake. */
const LONG_ARRAY = 10_000_000;

type Bag = Record<string, unknown>;
type WithToJSON = object & { toJSON(key: string): unknown };

/**
 * Turns a value into one that JSON.stringify writes without loss, checking everything in it on the way. What JSON writes
 * faithfully already is returned as it is, not copied; a container is copied only when something in it became a mark.
 * Used for one value.
 */
export class Marking {
  /** Whether there is a mark anywhere: the decoder then has to look for it. */
  marked = false;
  /** The binary values met, in the order of their marks. They still belong to the value. */
  readonly binaries: Uint8Array[] = [];
  /** The containers being walked, and the step that led to each; `#steps[0]` led to the root and means nothing. */
  readonly #ancestors: object[] = [];
  readonly #steps: Step[] = [];
  #regexpSource = 0;

  /** @throws CacheValueError, or whatever a getter or `toJSON` throws: see {@link explain} */
  root(value: unknown): unknown {
    const marked = this.#mark(value, '');
    if (marked === Mark.undefined) throw refusal('$', UNDEFINED);
    return marked;
  }

  #mark(value: unknown, step: Step): unknown {
    switch (typeof value) {
      case 'object':
        return value === null ? null : this.#object(value, step);
      case 'string':
        return isVerbatim(value) ? value : this.#put(DEL + value);
      case 'number':
        return isVerbatim(value) ? value : this.#put(markNumber(value));
      case 'undefined':
        return this.#put(Mark.undefined);
      case 'bigint':
        return this.#put(markBigint(value));
      case 'boolean':
        return value;
      default:
        throw this.#refuse(step, problemOf(value)!);
    }
  }

  /** The error to throw for one that interrupted {@link root}, or the JSON.stringify that follows it. */
  explain(error: unknown): CacheValueError {
    if (error instanceof CacheValueError) return error;
    const path = formatPath(this.#steps.slice(1));
    if (error instanceof RangeError && /call stack/i.test(error.message)) {
      return new CacheValueError(`${path} is nested too deeply: flatten it`, { cause: error });
    }
    const reason = error instanceof Error ? error.message : String(error);
    return new CacheValueError(`${path} cannot be turned into data: ${reason}`, { cause: error });
  }

  #put(mark: string): string {
    this.marked = true;
    return mark;
  }

  #object(value: object, step: Step): unknown {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) return this.#record(value, step);
    if (prototype === Array.prototype && Array.isArray(value)) return this.#array(value, step);
    if (value instanceof Date) return this.#put(markDate(value));
    return this.#instance(value, step);
  }

  #record(value: object, step: Step): unknown {
    this.#enter(value, step);
    let copy: Bag | undefined;
    for (const key in value) {
      const child = (value as Bag)[key];
      // for-in is the fastest loop there is, but shows what a prototype has enumerable, too.
      if (isVerbatim(child) || !Object.hasOwn(value, key)) continue;
      if (key === 'toJSON' && typeof child === 'function') {
        this.#leave(undefined);
        return this.#toJSON(value as WithToJSON, step);
      }
      const marked = this.#mark(child, key);
      // An own `__proto__` stays an own property: the spread defines it, and assigning to it does not reach a setter.
      if (marked !== child) (copy ??= { ...value } as Bag)[key] = marked;
    }
    return this.#leave(copy ?? value);
  }

  #array(value: readonly unknown[], step: Step): unknown {
    if (value.length > LONG_ARRAY && Object.keys(value).length < value.length / 2)
      throw this.#refuse(step, SPARSE);
    this.#enter(value, step);
    let copy: unknown[] | undefined;
    for (let i = 0; i < value.length; i++) {
      const child = value[i];
      if (isVerbatim(child)) continue;
      const marked = child === undefined && !(i in value) ? this.#put(Mark.hole) : this.#mark(child, i);
      if (marked !== child) (copy ??= [...value])[i] = marked;
    }
    return this.#leave(copy ?? value);
  }

  /** Anything but a plain object, an array or a Date of this realm. */
  #instance(value: object, step: Step): unknown {
    // Every type with contents of its own says so in its tag; class instances are through quickly.
    if (Object.prototype.toString.call(value) !== '[object Object]') {
      if (isBinary(value)) return this.#binary(value);
      if (types.isDate(value)) return this.#put(markDate(value));
      if (value instanceof URL) return this.#put(Mark.url + value.href);
    }
    if (typeof (value as Bag)['toJSON'] === 'function') return this.#toJSON(value as WithToJSON, step);
    return this.#contents(value, step);
  }

  #contents(value: object, step: Step): unknown {
    if (Array.isArray(value)) return this.#array(value, step);
    if (types.isMap(value)) return this.#map(value, step);
    if (types.isSet(value)) return this.#set(value, step);
    if (types.isRegExp(value)) return this.#regexp(value, step);
    if (types.isNativeError(value)) return this.#error(value, step);
    const problem = problemOf(value);
    if (problem) throw this.#refuse(step, problem);
    return this.#record(value, step);
  }

  #toJSON(value: WithToJSON, step: Step): unknown {
    this.#enter(value, step);
    const result: unknown = value.toJSON(typeof step === 'object' ? '' : String(step));
    if (result !== value) return this.#leave(this.#mark(result, { call: 'toJSON()' }));
    // `toJSON() { return this; }` says: my own properties.
    this.#leave(undefined);
    if (!Object.hasOwn(value, 'toJSON')) return this.#contents(value, step);
    const { toJSON: _, ...rest } = value as Bag;
    return this.#record(rest, step);
  }

  #binary(value: Binary): string {
    const { mark, bytes } = markBinary(value);
    this.binaries.push(bytes);
    return this.#put(mark);
  }

  #map(value: Map<unknown, unknown>, step: Step): unknown[] {
    this.#enter(value, step);
    const list: unknown[] = [this.#put(Mark.map)];
    for (const [key, child] of Map.prototype.entries.call(value)) {
      list.push(isVerbatim(key) ? key : this.#mark(key, { call: `keys()[${(list.length - 1) / 2}]` }));
      list.push(isVerbatim(child) ? child : this.#mark(child, { mapKey: key }));
    }
    return this.#leave(list);
  }

  #set(value: Set<unknown>, step: Step): unknown[] {
    this.#enter(value, step);
    const list: unknown[] = [this.#put(Mark.set)];
    for (const child of Set.prototype.values.call(value)) {
      list.push(isVerbatim(child) ? child : this.#mark(child, { call: `values()[${list.length - 1}]` }));
    }
    return this.#leave(list);
  }

  #regexp({ source, flags }: RegExp, step: Step): unknown[] {
    this.#regexpSource += source.length;
    if (this.#regexpSource > MAX_REGEXP_SOURCE) throw this.#refuse(step, tooMuchRegExp(MAX_REGEXP_SOURCE));
    return [this.#put(Mark.regexp), source, flags];
  }

  #error(value: Error, step: Step): unknown[] {
    this.#enter(value, step);
    const { kind, hidden, visible } = errorParts(value);
    // Not walked as containers of their own: their paths are those of the error's properties.
    const list = [this.#put(Mark.error), kind, this.#properties(hidden), this.#properties(visible)];
    return this.#leave(list);
  }

  #properties(bag: Bag): Bag {
    for (const key of Object.keys(bag)) bag[key] = this.#mark(bag[key], key);
    return bag;
  }

  #enter(value: object, step: Step): void {
    if (this.#steps.length >= CYCLE_CHECK_DEPTH) this.#checkDepth(value, step);
    this.#ancestors.push(value);
    this.#steps.push(step);
  }

  #leave<T>(result: T): T {
    this.#ancestors.pop();
    this.#steps.pop();
    return result;
  }

  #checkDepth(value: object, step: Step): void {
    if (this.#steps.length >= MAX_DEPTH) throw this.#refuse(step, tooDeep(MAX_DEPTH));
    if (!this.#ancestors.includes(value)) return;
    // The walk has gone around several times: report the first time it came back to where it had been.
    const line = [...this.#ancestors, value];
    const again = line.findIndex((ancestor, i) => line.indexOf(ancestor) < i);
    const steps = [...this.#steps, step];
    const target = formatPath(steps.slice(1, line.indexOf(line[again]!) + 1));
    throw refusal(formatPath(steps.slice(1, again + 1)), cycleTo(target));
  }

  #refuse(step: Step, problem: Problem): CacheValueError {
    // Without ancestors, the step is the one to the root.
    return refusal(formatPath([...this.#steps, step].slice(1)), problem);
  }
}

function refusal(path: string, { is, wayOut }: Problem): CacheValueError {
  return new CacheValueError(`${path} is ${is}: ${wayOut}`);
}
