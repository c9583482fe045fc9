import 'reflect-metadata';

import { RequestMethod } from '@nestjs/common';

import { methodNameOf } from '../nest/per-handler.js';
import { CacheDecoratorError } from '../primitives/errors.js';
import { isRequestHandler } from '../rpc/reply-keys.js';
import { type CacheResponseOptions, type NamedResponseOptions, overlaid } from './cache-response-options.js';
import type { InvalidatesResponsesOptions } from './invalidates-responses.js';
import { httpOptionNames } from './reply-options.js';

const OPTIONS = Symbol('nestjs-tiered-cache:response');
const REPLIES = Symbol('nestjs-tiered-cache:replies');
const INVALIDATION = Symbol('nestjs-tiered-cache:invalidation');
const OFF = Symbol('nestjs-tiered-cache:no-cache');

/** Nest's own, of a handler (`@nestjs/common/constants`). */
const METHOD = 'method';
const SSE = '__sse__';
const RENDER = '__renderTemplate__';
const ROUTE_ARGS = '__routeArguments__';
/** Where a route is: two controllers may have one name. */
const FACTS = ['path', METHOD, '__version__', 'host'];
const PASSTHROUGH = '__responsePassthrough__';

const CACHED_METHODS: readonly unknown[] = [RequestMethod.GET, RequestMethod.ALL];

/** `RouteParamtypes` of Nest: `@Res()` and `@Next()`. */
const RESPONSE = 1;
const NEXT = 2;

/** Over those that another decorator has set on the same target. */
export function setResponseOptions(target: object, options: NamedResponseOptions): void {
  const known = Reflect.getOwnMetadata(OPTIONS, target) as CacheResponseOptions | undefined;
  Reflect.defineMetadata(OPTIONS, { ...known, ...options }, target);
}

/** Says that the replies of a handler are to be cached, and not its responses alone. */
export function setCachedReplies(handler: object): void {
  Reflect.defineMetadata(REPLIES, true, handler);
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

/** A controller, or one of its methods. */
interface Named {
  readonly name: string;
}

/**
 * The options that hold for the responses of a handler: its own over its class'.
 * @returns `undefined` when neither has any; `false` when it is not to be cached, as what invalidates is not
 * @throws CacheDecoratorError when its decorators contradict each other, or say what has no meaning for its replies
 */
export function responseOptionsOf(
  controller: Named,
  handler: Named,
): CacheResponseOptions | false | undefined {
  const own = ownOptionsOf(handler);
  checkDecorators(controller, handler, own);
  if (isOff(controller, handler) || (answersGet(handler) && isInvalidating(handler))) return false;
  const isStated = own !== undefined || ownOptionsOf(controller) !== undefined;
  return isStated ? statedOptionsOf(controller, handler) : undefined;
}

/** As {@link responseOptionsOf}, whether the handler is to be cached or not. */
export function statedOptionsOf(controller: object, handler: object): CacheResponseOptions {
  return overlaid({ ...ownOptionsOf(controller) }, { ...ownOptionsOf(handler) });
}

/**
 * The options that hold for the replies of a handler. Those of its class are for its routes, and enable nothing here: a request
 * may be a command, and so it may where nothing but a ttl is said of it.
 * @returns `undefined` when they are not to be cached
 */
export function replyOptionsOf(controller: Named, handler: Named): CacheResponseOptions | undefined {
  if (Reflect.getMetadata(REPLIES, handler) !== true) return undefined;
  return isOff(controller, handler) || isInvalidating(handler)
    ? undefined
    : statedOptionsOf(controller, handler);
}

function ownOptionsOf(target: object): CacheResponseOptions | undefined {
  return Reflect.getMetadata(OPTIONS, target) as CacheResponseOptions | undefined;
}

function isOff(controller: object, handler: object): boolean {
  if (Reflect.getMetadata(OFF, handler) === true) return true;
  return ownOptionsOf(handler) === undefined && Reflect.getMetadata(OFF, controller) === true;
}

function isInvalidating(handler: object): boolean {
  return invalidationOf(handler) !== undefined;
}

/** Whether a handler answers requests by HTTP, whatever else it does. */
export function isRoute(handler: object): boolean {
  return Reflect.hasMetadata(METHOD, handler);
}

/** Whether a handler is the route of an HTTP method whose responses are cached. */
export function answersGet(handler: object): boolean {
  return CACHED_METHODS.includes(Reflect.getMetadata(METHOD, handler));
}

/** Whether a handler has options of its own for its responses. */
export function hasOwnOptions(handler: object): boolean {
  return ownOptionsOf(handler) !== undefined;
}

/** Whether a handler has options of its own for its responses, and is a route whose responses are never cached. */
export function hasOptionsInVain(handler: object): boolean {
  return (
    hasOwnOptions(handler) &&
    isRoute(handler) &&
    (!answersGet(handler) || isEventStream(handler)) &&
    !isRequestHandler(handler)
  );
}

function checkDecorators(controller: Named, handler: Named, own: CacheResponseOptions | undefined): void {
  if (own === undefined) return;
  const place = `${controller.name}.${handler.name}`;
  if (isInvalidating(handler) && (isRequestHandler(handler) || answersGet(handler))) {
    throw new CacheDecoratorError(
      `${place} is both cached and @InvalidatesResponses: what changes something has to run each time. ` +
        'Leave out one of the two decorators',
    );
  }
  const unused = isRequestHandler(handler) && !isRoute(handler) ? httpOptionNames(own) : [];
  if (unused.length === 0) return;
  throw new CacheDecoratorError(
    `@CacheResponse on ${place}: a reply of a microservice has no ${unused.join(', ')}: leave that out. ` +
      'Replies live for their ttl, and are told apart by pattern, payload, scope and identity',
  );
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
