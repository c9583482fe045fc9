import type { CallHandler, ExecutionContext, Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { EventPattern, MessagePattern } from '@nestjs/microservices';
import { defer, type Observable, type Subscription } from 'rxjs';

import { ReplyCache } from '../../lib/rpc/reply-cache.js';
import type { ReplyPolicy } from '../../lib/rpc/reply-policy.js';
import { type Bench, benchOf } from '../support/caches.js';
import { breathe } from '../support/deferred.js';

export class Handlers {
  @MessagePattern('one')
  one() {}

  @MessagePattern(['a', 'b'])
  several() {}

  @EventPattern('event')
  event(_data: unknown) {}
}

export interface Asked {
  data?: unknown;
  context?: unknown;
  controller?: { prototype: object };
  method?: string;
}

function contextOf({ data, context = {}, controller = Handlers, method = 'one' }: Asked): ExecutionContext {
  const handler: unknown = (controller.prototype as Record<string, unknown>)[method];
  const rpc = { getData: () => data, getContext: () => context };
  return { getClass: () => controller, getHandler: () => handler, switchToRpc: () => rpc } as never;
}

/** Asks, and returns all that has come by the time everything is still, with how it ended. */
export class Reader {
  readonly seen: unknown[] = [];
  readonly subscription: Subscription;
  constructor(reply: Observable<unknown>) {
    this.subscription = reply.subscribe({
      next: (value) => this.seen.push(value),
      error: (error: Error) => this.seen.push(`error: ${error.message}`),
      complete: () => this.seen.push('end'),
    });
  }
}

/** An application with these controllers, as far as it is looked at. */
function containerOf(classes: readonly Type[]): ModulesContainer {
  const controllers = new Map(classes.map((metatype) => [metatype, { metatype }]));
  return new Map([['module', { controllers, providers: new Map() }]]) as never;
}

/** Replies in a cache whose clock is moved by hand. */
export class Replies {
  readonly #replies: ReplyCache;
  private constructor(
    readonly bench: Bench,
    classes: readonly Type[],
  ) {
    this.#replies = new ReplyCache(bench.cache, containerOf(classes), bench.clock);
  }

  static async start(classes: readonly Type[] = [Handlers]): Promise<Replies> {
    return new Replies(await benchOf('memory'), classes);
  }

  async read(
    asked: Asked,
    run: () => Observable<unknown>,
    policy: Partial<ReplyPolicy> = {},
  ): Promise<Reader> {
    const next: CallHandler = { handle: () => defer(run) };
    const whole = { options: { ttl: 60 }, scope: 'auto', ...policy } as const;
    const reader = new Reader(this.#replies.serve(contextOf(asked), next, whole));
    await breathe();
    return reader;
  }
}
