import 'reflect-metadata';

import type { ExecutionContext } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';

import { audienceOf } from '../nest/audience.js';
import { hashArguments, UnhashableError } from '../nest/decorators/args-hash.js';
import { HandlerSites } from '../nest/handler-sites.js';
import type { SaidOnce } from '../nest/said-once.js';
import { hashedKey } from '../primitives/hashed-key.js';
import type { ReplyPolicy } from './reply-policy.js';
import { patternOf, requestOf, type RpcRequest } from './rpc-request.js';

/** The keys of `@nestjs/microservices`' metadata, which is read without loading it; and `PatternHandler.MESSAGE`. */
const HANDLER_TYPE = 'microservices:handler_type';
const PATTERNS = 'microservices:pattern';
const MESSAGE = 1;

/** Whether a handler answers requests of microservices; one of events has nothing to answer. */
export function isRequestHandler(handler: object): boolean {
  return Reflect.getMetadata(HANDLER_TYPE, handler) === MESSAGE;
}

/** A request whose reply may be kept. */
export interface KeyedRequest {
  readonly key: string;
  /** `Controller.method`, for the log. */
  readonly site: string;
  readonly request: RpcRequest;
  /** Whether the reply is still for whoever has asked: a pipe or the handler may have found out who that is. */
  readonly isForSame: () => boolean;
}

/** Says what replies are kept under, and which are not to be. */
export class ReplyKeys {
  readonly #sites: HandlerSites;

  constructor(
    private readonly notices: SaidOnce,
    container: ModulesContainer,
  ) {
    this.#sites = new HandlerSites(container);
  }

  /**
   * @returns `undefined` when the reply is not to be kept
   * @throws CacheKeyError when `identity` names nobody
   */
  of(context: ExecutionContext, policy: ReplyPolicy): KeyedRequest | undefined {
    const site = this.#siteOf(context);
    if (site === undefined) return undefined;
    const request = requestOf(context);
    const audience = audienceOf(request, policy.scope, policy.identity);
    if (audience === undefined) return undefined;
    const isForSame = (): boolean =>
      audienceOf(requestOf(context), policy.scope, policy.identity) === audience;
    const pattern = this.#pattern(site, context, request);
    const payload = pattern && this.#payload(site, request);
    if (pattern === undefined || payload === undefined) return undefined;
    return { key: `rpc:${hashedKey([site, pattern, payload, audience])}`, site, request, isForSame };
  }

  #siteOf(context: ExecutionContext): string | undefined {
    const site = this.#sites.of(context);
    const handler = context.getHandler();
    const name = site ?? `${context.getClass().name}.${handler.name}`;
    if (!isRequestHandler(handler)) {
      return this.#refuse(name, 'handler', 'it handles no requests, and an event has no reply');
    }
    if (site !== undefined) return site;
    return this.#refuse(name, 'name', 'another class of the same name has it too: rename one of them');
  }

  #payload(site: string, { data }: RpcRequest): string | undefined {
    try {
      return hashArguments([data]);
    } catch (error) {
      if (!(error instanceof UnhashableError)) throw error;
      const where = error.where.replace(/^argument 1/, 'the payload');
      const reason = `${where} is ${error.what}, by which requests cannot be told apart`;
      return this.#refuse(site, 'payload', reason);
    }
  }

  #pattern(site: string, context: ExecutionContext, request: RpcRequest): string | undefined {
    const pattern = patternOf(request.context);
    if (pattern !== undefined) return `=${pattern}`;
    const declared = Reflect.getMetadata(PATTERNS, context.getHandler()) as readonly unknown[];
    if (declared.length === 1) return hashArguments(declared);
    return this.#refuse(
      site,
      'pattern',
      'it has several patterns, and its transport does not say which one was used',
    );
  }

  #refuse(site: string, topic: string, reason: string): undefined {
    this.notices.notCached(site, topic, reason);
    return undefined;
  }
}
