import 'reflect-metadata';

import { methodNameOf } from '../nest/per-handler.js';
import { type CacheResponseOptions, overlaid } from './cache-response-options.js';
import type { InvalidatesResponsesOptions } from './invalidates-responses.js';

const OPTIONS = Symbol('nestjs-tiered-cache:response');
const INVALIDATION = Symbol('nestjs-tiered-cache:invalidation');
const OFF = Symbol('nestjs-tiered-cache:no-cache');

/** Nest's own, of a handler (`@nestjs/common/constants`). */
const SSE = '__sse__';
const RENDER = '__renderTemplate__';
const ROUTE_ARGS = '__routeArguments__';
/** Where a route is: two controllers may have one name. */
const FACTS = ['path', 'method', '__version__', 'host'];
const PASSTHROUGH = '__responsePassthrough__';

/** `RouteParamtypes` of Nest: `@Res()` and `@Next()`. */
const RESPONSE = 1;
const NEXT = 2;

/** Over those that another decorator has set on the same target. */
export function setResponseOptions(target: object, options: CacheResponseOptions): void {
  const known = Reflect.getOwnMetadata(OPTIONS, target) as CacheResponseOptions | undefined;
  Reflect.defineMetadata(OPTIONS, { ...known, ...options }, target);
}

export function setNoCache(target: object): void {
  Reflect.defineMetadata(OFF, true, target);
}

export function setInvalidation(handler: object, options: InvalidatesResponsesOptions): void {
  Reflect.defineMetadata(INVALIDATION, options, handler);
}

export function invalidationOf(handler: object): InvalidatesResponsesOptions | undefined {
  return Reflect.getMetadata(INVALIDATION, handler) as InvalidatesResponsesOptions | undefined;
}

/**
 * The options that hold for a handler: its own over its class'.
 * @returns `undefined` when neither has any; `false` when it is not to be cached
 */
export function responseOptionsOf(
  controller: object,
  handler: object,
): CacheResponseOptions | false | undefined {
  if (Reflect.getMetadata(OFF, handler) === true) return false;
  const own = Reflect.getMetadata(OPTIONS, handler) as CacheResponseOptions | undefined;
  const shared = Reflect.getMetadata(OPTIONS, controller) as CacheResponseOptions | undefined;
  if (own === undefined && Reflect.getMetadata(OFF, controller) === true) return false;
  return own === undefined && shared === undefined ? undefined : overlaid({ ...shared }, { ...own });
}

/** Whether a handler sends events as they happen: there is no end to wait for. */
export function isEventStream(handler: object): boolean {
  return Reflect.getMetadata(SSE, handler) !== undefined;
}

export function isRendered(handler: object): boolean {
  return Reflect.getMetadata(RENDER, handler) !== undefined;
}

/** Whether a handler writes its response itself: it has `@Res()` without passthrough, or `@Next()`. */
export function writesItself(controller: { readonly prototype: object }, handler: object): boolean {
  const method = methodNameOf(controller, handler);
  if (method === undefined || Reflect.getMetadata(PASSTHROUGH, controller, method) === true) return false;
  return hasArgument(controller, handler, RESPONSE) || hasArgument(controller, handler, NEXT);
}

function hasArgument(controller: { readonly prototype: object }, handler: object, kind: number): boolean {
  const method = methodNameOf(controller, handler);
  const args = method && (Reflect.getMetadata(ROUTE_ARGS, controller, method) as object | undefined);
  return Object.keys(args ?? {}).some((key) => Number(key.split(':')[0]) === kind);
}

/** Whether a handler may leave a request to whoever comes next: what is answered then is somebody else's. */
export function mayPassOn(controller: { readonly prototype: object }, handler: object): boolean {
  return hasArgument(controller, handler, NEXT);
}

/** What tells the routes of equally named controllers apart. */
export function routeFacts(controller: object, handler: object): string {
  return JSON.stringify(
    FACTS.map((name) => [controller, handler].map((of) => String(Reflect.getMetadata(name, of)))),
  );
}
