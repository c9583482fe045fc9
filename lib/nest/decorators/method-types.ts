import type { Method } from './method-site.js';

// Types of functions that are checked against the decorated method once it is known. Until then their parameters are open,
// for which TypeScript has no other type than any.
/* oxlint-disable typescript/no-explicit-any */

/** A function that makes a key from the method's arguments. */
export type KeyFunction = (this: any, ...args: any[]) => string;
/** A function that decides before the method runs. */
export type Condition = (this: any, ...args: any[]) => boolean;
/** A function that decides once the method has returned. */
export type ResultCondition = (this: any, result: any, ...args: any[]) => boolean;
/** A function that makes keys, patterns or tags from what the method returned and its arguments. */
export type ResultFunction = (this: any, result: any, ...args: any[]) => string | readonly string[];
/** A function that makes a key from what the method returned and its arguments. */
export type ResultKeyFunction = (this: any, result: any, ...args: any[]) => string;
/* oxlint-enable typescript/no-explicit-any */

/** One template, several, or a function. */
export type Templates<F = ResultFunction> = string | readonly string[] | F;

/** Neutral in an intersection with the descriptor: nothing to complain about. */
type Fine = unknown;

/**
 * A decorated method answers with a promise, whatever it did before; its declared return type must admit one. Otherwise
 * this is the message of the compile error.
 */
export type Promised<M extends Method> =
  AdmitsPromise<ReturnType<M>> extends true
    ? Fine
    : 'A cached or invalidating method returns a promise: declare its return type as Promise<X> or X | Promise<X>';

type AdmitsPromise<R> =
  Promise<Awaited<R>> extends R
    ? true
    : [R] extends [never]
      ? true
      : [R] extends [PromiseLike<unknown>]
        ? true
        : false;

/** Whether `F` can be called with the method's arguments; otherwise the message of the compile error. */
export type TakesArguments<F, M extends Method, Name extends string> = F extends (
  ...args: Parameters<M>
) => unknown
  ? Fine
  : `The function '${Name}' does not take the parameters of the method`;

/** Whether `F` can be called with the method's result and arguments; otherwise the message of the compile error. */
export type TakesResult<
  F,
  M extends Method,
  Name extends string,
  Result = Awaited<ReturnType<M>>,
> = F extends (result: Result, ...args: Parameters<M>) => unknown
  ? Fine
  : `The function '${Name}' does not take the result and the parameters of the method`;
