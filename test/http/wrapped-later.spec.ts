// Methods of a response that are replaced behind the cache, where sessions and codings may be a handler's own.
import {
  type CallHandler,
  Controller,
  type ExecutionContext,
  Get,
  type NestInterceptor,
  ServiceUnavailableException,
  UseInterceptors,
} from '@nestjs/common';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { Observable } from 'rxjs';

import { CacheResponse } from '../../lib/http/index.js';
import { ADAPTERS, type AnyResponse, HttpApp, isHit, rawOf } from './apps.js';

type End = (body: Buffer | string, ...rest: unknown[]) => unknown;

let running: HttpApp | undefined;
afterEach(() => running?.close());

/** Turns the body round, and, as sessions do, ends a response once. */
class TurningRound implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const raw = rawOf(context.switchToHttp().getResponse<AnyResponse>()) as unknown as { end: End };
    const { end } = raw;
    let isEnded = false;
    raw.end = (body, ...rest) => {
      if (isEnded) return false;
      isEnded = true;
      return end.call(raw, body.toString().split('').toReversed().join(''), ...rest);
    };
    return next.handle();
  }
}

@Controller()
class Pages {
  @Get('page')
  @UseInterceptors(TurningRound)
  @CacheResponse({ ttl: '1h' })
  page() {
    return 'once';
  }

  @Get('failing')
  @UseInterceptors(TurningRound)
  @CacheResponse({ ttl: '1h', staleIfError: '1h' })
  failing() {
    throw new ServiceUnavailableException();
  }
}

describe.each(ADAPTERS)('on %s, a body is given once to whoever has replaced `end`', (adapter) => {
  it('and a hit is as the miss', async () => {
    const app = (running = await HttpApp.start(adapter, [Pages]));
    const miss = await app.get('/page');
    const hit = await app.get('/page');
    expect([miss.text, hit.text]).toEqual(['ecno', 'ecno']);
    expect([isHit(miss), isHit(hit)]).toEqual([false, true]);
  });

  it('and a failure that was held back is sent', async () => {
    const app = (running = await HttpApp.start(adapter, [Pages]));
    const { status, text } = await app.get('/failing');
    expect([status, text.at(0), text.at(-1)]).toEqual([503, '}', '{']);
  });
});
