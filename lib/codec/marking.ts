import { types } from 'node:util';
import type { CacheValueError } from '../primitives/errors.js';
import { isBinary, markBinary, type Binary } from './binary.js';
import { errorParts } from './error-values.js';
import { MAX_REGEXP_SOURCE } from './limits.js';
import { DEL, Mark, isVerbatim, markBigint, markDate, markNumber } from './marks.js';
import type { Step } from './path.js';
import { problemOf, SPARSE, tooMuchRegExp, UNDEFINED } from './problems.js';
import { Trail } from './trail.js';

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
  readonly #trail = new Trail();
  #regexpSource = 0;

  /** @throws CacheValueError, or whatever a getter or `toJSON` throws: see {@link explain} */
  root(value: unknown): unknown {
    const marked = this.#mark(value, '');
    if (marked === Mark.undefined) throw this.#trail.refuse('', UNDEFINED);
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
        throw this.#trail.refuse(step, problemOf(value)!);
    }
  }

  /** The error to throw for one that interrupted {@link root}, or the JSON.stringify that follows it. */
  explain(error: unknown): CacheValueError {
    return this.#trail.explain(error);
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
    if (prototype === Map.prototype) return this.#map(value as Map<unknown, unknown>, step);
    if (prototype === Set.prototype) return this.#set(value as Set<unknown>, step);
    return this.#instance(value, step, true);
  }

  #record(value: object, step: Step): unknown {
    this.#trail.enter(value, step);
    let copy: Bag | undefined;
    let first = true;
    for (const key in value) {
      const child = (value as Bag)[key];
      // for-in is the fastest loop there is, but shows what a prototype has enumerable, too.
      if (isVerbatim(child) || !Object.hasOwn(value, key)) continue;
      // An own toJSON() is such a child, so it is found before any of them has been walked.
      if (first && hasOwnToJSON(value)) {
        this.#trail.leave();
        return this.#toJSON(value, step);
      }
      first = false;
      const marked = this.#mark(child, key);
      // An own `__proto__` stays an own property: the spread defines it, and assigning to it does not reach a setter.
      if (marked !== child) (copy ??= { ...value } as Bag)[key] = marked;
    }
    return this.#leave(copy ?? value);
  }

  #array(value: readonly unknown[], step: Step): unknown {
    if (value.length > LONG_ARRAY && Object.keys(value).length < value.length / 2)
      throw this.#trail.refuse(step, SPARSE);
    this.#trail.enter(value, step);
    let copy: unknown[] | undefined;
    for (let i = 0; i < value.length; i++) {
      const child = value[i];
      if (isVerbatim(child)) continue;
      const marked = child === undefined && !(i in value) ? this.#put(Mark.hole) : this.#mark(child, i);
      if (marked !== child) (copy ??= [...value])[i] = marked;
    }
    return this.#leave(copy ?? value);
  }

  /** Objects of other classes and other realms. */
  #instance(value: object, step: Step, ask: boolean): unknown {
    // Every type with contents of its own says so in its tag; class instances are through quickly.
    const isOrdinary = Object.prototype.toString.call(value) === '[object Object]';
    if (!isOrdinary) {
      if (isBinary(value)) return this.#binary(value);
      if (types.isDate(value)) return this.#put(markDate(value));
      if (value instanceof URL) return this.#put(Mark.url + value.href);
    }
    if (ask && hasToJSON(value)) return this.#toJSON(value, step);
    if (Array.isArray(value)) return this.#array(value, step);
    if (!isOrdinary) {
      if (types.isMap(value)) return this.#map(value, step);
      if (types.isSet(value)) return this.#set(value, step);
      if (types.isRegExp(value)) return this.#regexp(value, step);
      if (types.isNativeError(value)) return this.#error(value, step);
    }
    const problem = problemOf(value);
    if (problem) throw this.#trail.refuse(step, problem);
    return this.#record(value, step);
  }

  #toJSON(value: WithToJSON, step: Step): unknown {
    this.#trail.enter(value, step);
    const result: unknown = value.toJSON(typeof step === 'object' ? '' : String(step));
    if (result !== value) return this.#leave(this.#mark(result, { call: 'toJSON()' }));
    // `toJSON() { return this; }` says: my own properties.
    this.#trail.leave();
    if (!hasOwnToJSON(value)) return this.#instance(value, step, false);
    const { toJSON: _, ...rest } = value as Bag;
    return this.#record(rest, step);
  }

  #binary(value: Binary): string {
    const { mark, bytes } = markBinary(value);
    this.binaries.push(bytes);
    return this.#put(mark);
  }

  #map(value: Map<unknown, unknown>, step: Step): unknown[] {
    this.#trail.enter(value, step);
    const list: unknown[] = [this.#put(Mark.map)];
    for (const [key, child] of Map.prototype.entries.call(value)) {
      list.push(isVerbatim(key) ? key : this.#mark(key, { call: `keys()[${(list.length - 1) / 2}]` }));
      list.push(isVerbatim(child) ? child : this.#mark(child, { mapKey: key }));
    }
    return this.#leave(list);
  }

  #set(value: Set<unknown>, step: Step): unknown[] {
    this.#trail.enter(value, step);
    const list: unknown[] = [this.#put(Mark.set)];
    for (const child of Set.prototype.values.call(value)) {
      list.push(isVerbatim(child) ? child : this.#mark(child, { call: `values()[${list.length - 1}]` }));
    }
    return this.#leave(list);
  }

  #regexp({ source, flags }: RegExp, step: Step): unknown[] {
    this.#regexpSource += source.length;
    if (this.#regexpSource > MAX_REGEXP_SOURCE)
      throw this.#trail.refuse(step, tooMuchRegExp(MAX_REGEXP_SOURCE));
    return [this.#put(Mark.regexp), source, flags];
  }

  #error(value: Error, step: Step): unknown[] {
    this.#trail.enter(value, step);
    const { kind, hidden, visible } = errorParts(value);
    // Not walked as containers of their own: their paths are those of the error's properties.
    const list = [this.#put(Mark.error), kind, this.#properties(hidden), this.#properties(visible)];
    return this.#leave(list);
  }

  #properties(bag: Bag): Bag {
    for (const key of Object.keys(bag)) bag[key] = this.#mark(bag[key], key);
    return bag;
  }

  #leave<T>(result: T): T {
    this.#trail.leave();
    return result;
  }
}

function hasToJSON(value: object): value is WithToJSON {
  return typeof (value as Partial<WithToJSON>).toJSON === 'function';
}

function hasOwnToJSON(value: object): value is WithToJSON {
  return hasToJSON(value) && Object.hasOwn(value, 'toJSON');
}
