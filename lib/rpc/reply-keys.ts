import 'reflect-metadata';

import type { ExecutionContext } from '@nestjs/common';

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

/** Says what replies are kept under, and which are not to be. */
export class ReplyKeys {
  readonly #sites = new HandlerSites();

  constructor(private readonly notices: SaidOnce) {}

  /** @returns `Controller.method`; `undefined` when its replies are not to be kept */
  siteOf(context: ExecutionContext): string | undefined {
    const site = this.#sites.of(context);
    const handler = context.getHandler();
    const name = site ?? `${context.getClass().name}.${handler.name}`;
    if (Reflect.getMetadata(HANDLER_TYPE, handler) !== MESSAGE) {
      return this.#refuse(name, 'handler', 'it handles no requests, and an event has no reply');
    }
    if (site !== undefined) return site;
    return this.#refuse(name, 'name', 'another class of the same name has it too: rename one of them');
  }

  /** @returns `undefined` when the reply is not to be kept */
  keyOf(site: string, context: ExecutionContext, policy: ReplyPolicy): string | undefined {
    const request = requestOf(context);
    const audience = audienceOf(request, policy.scope, policy.identity);
    if (audience === undefined) return undefined;
    const pattern = this.#pattern(site, context, request);
    if (pattern === undefined) return undefined;
    try {
      return `rpc:${hashedKey([site, pattern, hashArguments([request.data]), audience])}`;
    } catch (error) {
      if (!(error instanceof UnhashableError)) throw error;
      const where = error.where.replace(/^argument 1/, 'the payload');
      return this.#refuse(
        site,
        'payload',
        `${where} is ${error.what}, by which requests cannot be told apart`,
      );
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
