// What the options promise, on a clock that is moved by hand.
import {
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  Catch,
  Controller,
  type ExceptionFilter,
  type ExecutionContext,
  ForbiddenException,
  Get,
  GoneException,
  HttpException,
  Injectable,
  InternalServerErrorException,
  type NestInterceptor,
  NotFoundException,
  Req,
  Res,
  ServiceUnavailableException,
  type Type,
  UseGuards,
} from '@nestjs/common';
import { APP_FILTER, APP_INTERCEPTOR } from '@nestjs/core';
import type { IncomingMessage } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { catchError, of } from 'rxjs';

import {
  CacheResponse,
  type CacheResponseOptions,
  NoCache,
  ResponseCacheInterceptor,
  ResponseCacheModule,
} from '../../lib/http/index.js';
import { type CacheManager, CacheModule, type CacheOptions, getCacheToken } from '../../lib/index.js';
import type { Bench } from '../support/caches.js';
import { Deferred } from '../support/deferred.js';
import { until } from '../support/until.js';
import { type AnyResponse, ADAPTERS, type AppOptions, HttpApp, isHit, Said } from './apps.js';
import { closeTimedApps, timedApp } from './timed-apps.js';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly ip: string;
  readonly protocol: string;
  readonly headers: Record<string, unknown>;
}

let calls = 0;
/** What the next calls of the handler throw, or set; those after them are well. */
let plan: (HttpException | Error | 'set-cookie' | { status: number } | undefined)[] = [];
let gate: Deferred<void> | undefined;
let seen: Seen[] = [];
/** Requests that guards and middleware have seen. */
let guarded: string[] = [];
let passed: string[] = [];
/** What the guard says to the next ones; `true` after them. */
let guard: boolean[] = [];

@Injectable()
class Guard implements CanActivate {
  canActivate() {
    const allows = guard.shift() ?? true;
    guarded.push(allows ? 'in' : 'out');
    return allows;
  }
}

async function answer(response: AnyResponse): Promise<{ run: number }> {
  const own = ++calls;
  const next = plan.shift();
  await gate?.promise;
  if (next instanceof Error) throw next;
  if (next === 'set-cookie') (response.raw ?? response).setHeader('Set-Cookie', 'a=1');
  else if (next !== undefined) response.status(next.status);
  return { run: own };
}

/** A controller whose handler is cached as the options say. */
function page(options: CacheResponseOptions): Type {
  @Controller()
  @UseGuards(Guard)
  class Page {
    @Get('page')
    @CacheResponse(options)
    page(@Req() request: Seen, @Res({ passthrough: true }) response: AnyResponse) {
      const { method, url, ip, protocol, headers } = request;
      seen.push({ method, url, ip, protocol, headers: { ...headers } });
      return answer(response);
    }
  }
  return Page;
}

beforeEach(() => {
  calls = 0;
  plan = [];
  gate = undefined;
  seen = [];
  guarded = [];
  passed = [];
  guard = [];
});

/** As the package http-errors makes them. */
const httpError = (statusCode: number): Error =>
  Object.assign(new Error('broken'), { statusCode, status: statusCode, expose: statusCode < 500 });

class NoSuchPage extends Error {}

@Catch(NoSuchPage)
class NoSuchPages implements ExceptionFilter {
  catch(_: NoSuchPage, host: ArgumentsHost) {
    host.switchToHttp().getResponse<AnyResponse>().status(404).send('no such page');
  }
}

describe.each(ADAPTERS)('on %s', (adapter) => {
  let app: HttpApp;
  let bench: Bench;
  let said: Said;

  beforeEach(() => {
    said = new Said();
  });
  afterEach(closeTimedApps);

  const start = async (
    controllers: CacheResponseOptions | Type[],
    options: AppOptions & Pick<CacheOptions, 'defaults'> = {},
  ) => {
    const pages = Array.isArray(controllers) ? controllers : [page(controllers)];
    ({ app, bench } = await timedApp(adapter, pages, { logger: said, ...options }));
  };
  const seconds = (count: number) => bench.clock.advance(count * 1_000);
  const get = (headers = {}) => app.get('/page', headers);
  /** What a response says, in short. */
  const told = async () => {
    const { status, text, headers } = await get();
    const what = String(headers['cache-status']).replace('nestjs-tiered-cache; ', '');
    return [status, status < 300 ? (JSON.parse(text) as { run: number }).run : undefined, what, headers.age];
  };
  /** Waits until the handler has run so often, and what it answered the last time is stored or not. */
  const runs = async (count: number) => {
    await until(() => calls === count, { what: `${count} runs` });
    await until(() => {
      const { loads, failedLoads } = bench.cache.stats();
      return loads + failedLoads >= count;
    });
  };

  describe('ttl', () => {
    it('is counted from the answer, and told as Age and in Cache-Status', async () => {
      await start({ ttl: 60 });
      expect(await told()).toEqual([200, 1, 'fwd=uri-miss; stored', undefined]);
      expect(await told()).toEqual([200, 1, 'hit; ttl=60', '0']);
      seconds(10.5);
      expect(await told()).toEqual([200, 1, 'hit; ttl=49', '10']);
      seconds(49.4);
      expect(await told()).toEqual([200, 1, 'hit; ttl=0', '59']);
      seconds(0.1);
      expect(await told()).toEqual([200, 2, 'fwd=uri-miss; stored', undefined]);
    });

    it('may be of hours, in words', async () => {
      await start({ ttl: '2h' });
      await get();
      expect((await told())[2]).toBe('hit; ttl=7200');
    });

    it('is shortened by a part of jitter', async () => {
      await start({ ttl: 60, jitter: 0.5 });
      jest.spyOn(Math, 'random').mockReturnValue(0.5);
      await get();
      expect(await told()).toEqual([200, 1, 'hit; ttl=45', '0']);
      seconds(44.9);
      expect(await told()).toEqual([200, 1, 'hit; ttl=0', '44']);
      seconds(0.2);
      expect(isHit(await get())).toBe(false);
    });

    it('is all there is, whatever holds for other entries of the cache', async () => {
      const defaults = { staleWhileRevalidate: 60, staleIfError: 60, refreshAhead: 0.1, jitter: 1 };
      await start({ ttl: 60 }, { defaults });
      await get();
      seconds(59.9);
      expect(await told()).toEqual([200, 1, 'hit; ttl=0', '59']);
      seconds(10);
      plan = [new ServiceUnavailableException()];
      expect((await told())[0]).toBe(503);
      expect(await told()).toEqual([200, 3, 'fwd=uri-miss; stored', undefined]);
    });
  });

  describe('refreshAhead', () => {
    it('has the handler run before the end, behind an answer that is still fresh', async () => {
      await start({ ttl: 60, refreshAhead: 0.5 });
      await get();
      seconds(29);
      expect((await told())[1]).toBe(1);
      seconds(2);
      expect((await told())[1]).toBe(1);
      await runs(2);
      expect(await told()).toEqual([200, 2, 'hit; ttl=60', '0']);
      expect(calls).toBe(2);
    });
  });

  describe('staleWhileRevalidate', () => {
    const SWR = { ttl: 10, staleWhileRevalidate: 60 };

    it('answers at once, and has the handler run once', async () => {
      await start(SWR);
      await get();
      seconds(20);
      gate = new Deferred();
      for (let i = 0; i < 3; i++) expect(await told()).toEqual([200, 1, 'hit; ttl=-10', '20']);
      gate.resolve();
      await runs(2);
      await until(async () => (await told())[1] === 2);
      expect(await told()).toEqual([200, 2, 'hit; ttl=10', '0']);
      expect(calls).toBe(2);
    });

    it('ends', async () => {
      await start(SWR);
      await get();
      seconds(71);
      expect(await told()).toEqual([200, 2, 'fwd=uri-miss; stored', undefined]);
    });

    it('runs what runs on any request, with a copy of the one that has found it stale', async () => {
      await start(SWR, {
        prepare: (nest) => {
          nest.use((request: IncomingMessage, _: unknown, next: () => void) => {
            passed.push(`${request.method} ${request.url}`);
            next();
          });
        },
      });
      // As far as anybody can tell, they come over TLS.
      app.app
        .getHttpServer()
        .on('connection', (socket: object) => Object.assign(socket, { encrypted: true }));
      await app.get('/page?a=%C3%BC');
      seconds(20);
      const fields = { 'x-own': 'kept', 'if-none-match': '"other"', range: 'bytes=0-1' };
      await app.get('/page?a=%C3%BC', fields);
      await until(() => seen.length === 2);
      const [first, refresh] = seen as [Seen, Seen];
      expect(refresh).toMatchObject({
        method: 'GET',
        url: '/page?a=%C3%BC',
        ip: first.ip,
        protocol: 'https',
      });
      expect(first).toMatchObject({ ip: '127.0.0.1', protocol: 'https' });
      expect(refresh.headers).toMatchObject({ host: `127.0.0.1:${app.port}`, 'x-own': 'kept' });
      expect(Object.keys(refresh.headers).filter((name) => name in fields)).toEqual(['x-own']);
      expect(guarded).toEqual(['in', 'in', 'in']);
      expect(passed).toEqual(Array(3).fill('GET /page?a=%C3%BC'));
    });

    it('leaves what is stored when a guard denies the refresh', async () => {
      await start(SWR);
      await get();
      seconds(20);
      guard = [true, false];
      expect((await told())[1]).toBe(1);
      await until(() => guarded.length === 3);
      expect(guarded).toEqual(['in', 'in', 'out']);
      expect((await told())[1]).toBe(1);
      expect(calls).toBe(1);
    });

    it.each<[string, Error | { status: number }]>([
      ['an error', new Error('broken')],
      ['503', new ServiceUnavailableException()],
      ['a written 500', { status: 500 }],
    ])('leaves what is stored when the refresh fails: %s', async (_, what) => {
      await start(SWR);
      await get();
      seconds(20);
      plan = [what];
      expect((await told())[1]).toBe(1);
      await runs(2);
      expect((await told())[1]).toBe(1);
      // It is not tried again at once, but later.
      expect(calls).toBe(2);
      seconds(10);
      expect((await told())[1]).toBe(1);
      await until(async () => (await told())[1] === 3);
    });

    it.each([
      ['is answered with a failure', [{ status: 503 }], [true], 3],
      ['is denied', [], [false], 2],
    ])('those who come when it is over do not hear of a refresh that %s', async (_, planned, guards, run) => {
      const entered = new Deferred<void>();
      const held = new Deferred<void>();
      await start(SWR, {
        prepare: (nest) => {
          nest.use(async (_request: unknown, _response: unknown, next: () => void) => {
            passed.push('in');
            if (passed.length === 3) {
              entered.resolve();
              await held.promise;
            }
            next();
          });
        },
      });
      await get();
      seconds(20);
      expect((await told())[1]).toBe(1);
      await entered.promise;
      seconds(60);
      const late = [get(), get()];
      await until(() => guarded.length === 4, { what: 'two more requests' });
      plan = planned;
      guard = guards;
      held.resolve();
      for (const { status, text } of await Promise.all(late)) {
        expect([status, text]).toEqual([200, `{"run":${run}}`]);
      }
      expect(calls).toBe(run);
    });

    it.each<[string, Error | { status: number } | 'denied', string]>([
      ['an error', new TypeError('secret'), 'it threw a TypeError'],
      ['a thrown 503', new ServiceUnavailableException('secret'), 'it threw a ServiceUnavailableException'],
      ['a written 500', { status: 500 }, 'it was answered 500: status'],
      ['a guard', 'denied', 'it was answered 403 without its handler'],
    ])(
      'that fails each time is said once, without what the application says of it: %s',
      async (_, what, why) => {
        await start(SWR);
        await get();
        for (let i = 1; i <= 2; i++) {
          seconds(20);
          if (what === 'denied') guard = [true, false];
          else plan = [what];
          await get();
          await until(() => bench.cache.stats().failedLoads === i, { what: `failure ${i}` });
        }
        const errors = said.errors.filter((error) => error.includes('refresh'));
        expect(errors).toEqual([`a response of Page.page could not be refreshed in the background: ${why}`]);
      },
    );

    it.each<[string, Error | { status: number }, number]>([
      ['404', new NotFoundException(), 404],
      ['a written 410', { status: 410 }, 410],
    ])('a refresh that finds nothing is not hidden: %s', async (_, what, status) => {
      await start(SWR);
      await get();
      seconds(20);
      plan = [what, what];
      expect((await told())[1]).toBe(1);
      await until(async () => (await told())[0] === status);
      expect(calls).toBe(3);
      // And when it is there again, it is stored again.
      expect((await told())[1]).toBe(4);
      expect(await told()).toEqual([200, 4, 'hit; ttl=10', '0']);
    });

    it('a refresh that may not be stored is not kept from who comes next', async () => {
      await start(SWR);
      await get();
      seconds(20);
      plan = Array(3).fill('set-cookie');
      expect((await told())[1]).toBe(1);
      await until(async () => (await get()).headers['set-cookie'] !== undefined);
      expect(calls).toBe(3);
      // What is remembered of it is nothing that would be refreshed.
      seconds(11);
      expect((await get()).headers['set-cookie']).toEqual(['a=1']);
      expect(calls).toBe(4);
      expect((await told())[1]).toBe(5);
      expect(await told()).toEqual([200, 5, 'hit; ttl=10', '0']);
    });

    it('is not for what was invalidated', async () => {
      await start({ ...SWR, tags: ['pages'] });
      await get();
      seconds(20);
      await bench.cache.invalidateTags(['pages']);
      expect((await told())[1]).toBe(2);
    });
  });

  describe('staleIfError', () => {
    const SIE = { ttl: 10, staleIfError: 60 };

    it.each<[number, () => Error]>([
      [500, () => new InternalServerErrorException()],
      [503, () => new ServiceUnavailableException()],
      [500, () => new Error('broken')],
      [502, () => httpError(502)],
    ])('answers in place of a %d that is thrown', async (status, error) => {
      await start(SIE);
      await get();
      seconds(20);
      plan = [error()];
      expect(await told()).toEqual([200, 1, `fwd=stale; fwd-status=${status}`, '20']);
      // Nobody asks again at once.
      expect(await told()).toEqual([200, 1, 'hit; ttl=-10', '20']);
      expect(calls).toBe(2);
      seconds(10);
      expect((await told())[1]).toBe(3);
    });

    it.each<[string, () => Error]>([
      ['by a filter', () => new NoSuchPage()],
      ['by Nest itself', () => httpError(404)],
    ])('does not hide what is answered with 404 %s', async (_, error) => {
      await start(SIE, { providers: [{ provide: APP_FILTER, useClass: NoSuchPages }] });
      await get();
      seconds(20);
      plan = [error(), error()];
      expect([(await get()).status, (await get()).status, calls]).toEqual([404, 404, 3]);
    });

    it('does not hide what an interceptor around makes of an error, which is not stored', async () => {
      @Injectable()
      class Fallback implements NestInterceptor {
        intercept(_: ExecutionContext, next: CallHandler) {
          return next.handle().pipe(catchError(() => of({ run: 0 })));
        }
      }
      await start(SIE, { providers: [{ provide: APP_INTERCEPTOR, useClass: Fallback }] });
      plan = [new Error('broken')];
      expect(await told()).toEqual([200, 0, 'fwd=uri-miss; detail=failed', undefined]);
      expect(await told()).toEqual([200, 2, 'fwd=uri-miss; stored', undefined]);
      seconds(20);
      plan = [new Error('broken')];
      expect((await told())[1]).toBe(0);
    });

    it.each([500, 502, 503, 504])('answers in place of a %d that the handler writes', async (status) => {
      await start(SIE);
      const first = await get();
      seconds(20);
      plan = [{ status }];
      const stale = await get();
      expect([stale.status, stale.text, stale.headers.etag]).toEqual([200, first.text, first.headers.etag]);
      expect(stale.headers['cache-status']).toBe(`nestjs-tiered-cache; fwd=stale; fwd-status=${status}`);
      expect(stale.headers.age).toBe('20');
      // Nobody asks again at once.
      expect(await told()).toEqual([200, 1, 'hit; ttl=-10', '20']);
      expect(calls).toBe(2);
      seconds(10);
      expect((await told())[1]).toBe(3);
    });

    it('is not in place of a written failure that nothing is there for, nor of a 501', async () => {
      await start(SIE);
      plan = [{ status: 503 }, undefined, { status: 501 }];
      const failed = await get();
      expect([failed.status, failed.text]).toEqual([503, '{"run":1}']);
      expect(failed.headers['cache-status']).toBe('nestjs-tiered-cache; fwd=uri-miss; detail=status');
      expect(await told()).toEqual([200, 2, 'fwd=uri-miss; stored', undefined]);
      seconds(20);
      expect((await get()).status).toBe(501);
    });

    it('gives all who wait the stale one; without one, each has its own answer', async () => {
      await start(SIE);
      gate = new Deferred();
      plan = [{ status: 503 }, { status: 503 }, { status: 500 }];
      const failed = [get(), get(), get()];
      await until(() => guarded.length === 3, { what: 'three requests' });
      gate.resolve();
      const statuses = (await Promise.all(failed)).map(({ status }) => `${status}`);
      expect(statuses.toSorted()).toEqual(['500', '503', '503']);

      expect((await told())[1]).toBe(4);
      seconds(20);
      gate = new Deferred();
      plan = [{ status: 503 }];
      const stale = [get(), get(), get()];
      await until(() => guarded.length === 7, { what: 'three more' });
      gate.resolve();
      expect((await Promise.all(stale)).map(({ status, text }) => [status, text])).toEqual(
        Array.from({ length: 3 }, () => [200, '{"run":4}']),
      );
      expect(calls).toBe(5);
    });

    it.each(['written', 'thrown'])('has nothing of the failure, %s', async (how) => {
      let broken = false;
      @Controller()
      class Page {
        @Get('page')
        @CacheResponse(SIE)
        page(@Res({ passthrough: true }) response: AnyResponse) {
          const set = (name: string, value: string) =>
            adapter === 'express' ? response.setHeader(name, value) : response.header(name, value);
          set('X-Both', broken ? 'failed' : 'well');
          if (!broken) return { well: true };
          set('Retry-After', '5');
          set('Cache-Control', 'no-store');
          if (how === 'thrown') throw new ServiceUnavailableException();
          response.status(503);
          return { well: false };
        }
      }
      await start([Page]);
      const first = await get();
      seconds(20);
      broken = true;
      const { headers, text } = await get();
      expect([text, headers['x-both'], headers['retry-after'], headers['cache-control']]).toEqual([
        first.text,
        'well',
        undefined,
        'no-cache',
      ]);
    });

    it('answers in place of what a handler writes by itself', async () => {
      let status = 200;
      @Controller()
      class Page {
        @Get('page')
        @CacheResponse(SIE)
        async page(@Res() response: AnyResponse) {
          response.status(status).send(`${++calls}`);
        }
      }
      await start([Page]);
      await get();
      seconds(20);
      status = 503;
      const stale = await get();
      expect([stale.status, stale.text, calls]).toEqual([200, '1', 2]);
      await bench.cache.clear();
      const failed = await get();
      expect([failed.status, failed.text]).toEqual([503, '3']);
    });

    it('ends', async () => {
      await start(SIE);
      await get();
      seconds(71);
      plan = [new ServiceUnavailableException()];
      expect((await told())[0]).toBe(503);
    });

    it.each([
      ['403', () => new ForbiddenException(), 403],
      ['404', () => new NotFoundException(), 404],
    ])('does not hide %s, nor comes back after it', async (_, error, status) => {
      await start(SIE);
      await get();
      seconds(20);
      plan = [error(), new ServiceUnavailableException()];
      expect((await told())[0]).toBe(status);
      expect((await told())[0]).toBe(503);
    });

    it('is not for what was invalidated', async () => {
      await start({ ...SIE, tags: ['pages'] });
      await get();
      seconds(20);
      await bench.cache.invalidateTags(['pages']);
      plan = [new ServiceUnavailableException()];
      expect((await told())[0]).toBe(503);
    });
  });

  describe('negativeTtl', () => {
    it.each<[string, () => Error | { status: number }, number]>([
      ['a thrown 404', () => new NotFoundException(), 404],
      ['a thrown 410', () => new GoneException(), 410],
      ['a written 404', () => ({ status: 404 }), 404],
      ['a written 410', () => ({ status: 410 }), 410],
      ['a 404 that a filter makes', () => new NoSuchPage(), 404],
    ])('keeps %s for so long', async (_, make, status) => {
      await start(
        { ttl: 60, negativeTtl: 5 },
        { providers: [{ provide: APP_FILTER, useClass: NoSuchPages }] },
      );
      plan = [make()];
      const miss = await get();
      expect([miss.status, miss.headers['cache-status']]).toEqual([
        status,
        'nestjs-tiered-cache; fwd=uri-miss; stored',
      ]);
      seconds(4);
      const hit = await get();
      expect([hit.status, hit.text, hit.headers['cache-status']]).toEqual([
        status,
        miss.text,
        'nestjs-tiered-cache; hit; ttl=1',
      ]);
      expect(calls).toBe(1);
      seconds(1);
      expect(await told()).toEqual([200, 2, 'fwd=uri-miss; stored', undefined]);
    });

    it.each<[string, CacheResponseOptions, () => HttpException | { status: number }]>([
      ['404, without it', { ttl: 60 }, () => new NotFoundException()],
      ['a written 404, without it', { ttl: 60 }, () => ({ status: 404 })],
      ['403', { ttl: 60, negativeTtl: 5 }, () => new ForbiddenException()],
      ['a written 400', { ttl: 60, negativeTtl: 5 }, () => ({ status: 400 })],
    ])('does not concern %s', async (_, options, make) => {
      await start(options);
      plan = [make(), make()];
      const [first, second] = [await get(), await get()];
      expect(second.status).toBe(first.status);
      expect(first.headers['cache-control']).toBeUndefined();
      expect(calls).toBe(2);
      expect(await told()).toEqual([200, 3, 'fwd=uri-miss; stored', undefined]);
    });
  });

  describe('Cache-Control', () => {
    it.each<[CacheResponseOptions, string]>([
      [{}, 'no-cache'],
      [{ scope: 'public' }, 'public, no-cache'],
      [{ scope: 'private', identity: () => 'ada' }, 'private, no-cache'],
      [{ staleWhileRevalidate: 30, staleIfError: 60 }, 'no-cache'],
      [{ maxAge: '1m' }, 'max-age=60'],
      [{ scope: 'public', maxAge: 60, sharedMaxAge: '1h' }, 'public, max-age=60, s-maxage=3600'],
      [{ scope: 'public', sharedMaxAge: '1h' }, 'public, max-age=0, s-maxage=3600'],
      [{ scope: 'private', identity: () => 'ada', maxAge: 0 }, 'private, max-age=0'],
      [
        { maxAge: 1.5, staleWhileRevalidate: '30s', staleIfError: '2m' },
        'max-age=1, stale-while-revalidate=30, stale-if-error=120',
      ],
    ])('%j: %s', async (options, expected) => {
      await start({ ttl: 60, ...options });
      for (const hit of [false, true]) {
        const found = await get();
        expect([isHit(found), found.headers['cache-control']]).toEqual([hit, expected]);
      }
    });

    it('of the handler stays', async () => {
      @Controller()
      class Own {
        @Get('page')
        @CacheResponse({ ttl: 60, maxAge: 10 })
        page(@Res({ passthrough: true }) response: AnyResponse) {
          (response.raw ?? response).setHeader('Cache-Control', 'max-age=5');
          return ++calls;
        }
      }
      await start([Own]);
      for (let i = 0; i < 2; i++) expect((await get()).headers['cache-control']).toBe('max-age=5');
      expect(calls).toBe(1);
    });

    it.each<[CacheResponseOptions, string | undefined]>([
      [{}, 'Authorization, Cookie'],
      [{ vary: ['accept-language'] }, 'Authorization, Cookie, Accept-Language'],
      [{ scope: 'public' }, undefined],
      [{ scope: 'public', vary: ['X-Tenant'] }, 'X-Tenant'],
    ])('Vary of %j: %s', async (options, expected) => {
      await start({ ttl: 60, ...options });
      for (const hit of [false, true]) {
        const found = await get();
        expect([isHit(found), found.headers['vary']]).toEqual([hit, expected]);
      }
    });
  });

  describe('tags', () => {
    it.each<[CacheResponseOptions, Record<string, string>]>([
      [{}, { 'cache-groups': '"a", "b:1"' }],
      [{ tagField: 'Cache-Groups' }, { 'cache-groups': '"a", "b:1"' }],
      [{ tagField: 'Cache-Tag' }, { 'cache-tag': 'a,b:1' }],
      [{ tagField: 'Surrogate-Key' }, { 'surrogate-key': 'a b:1' }],
      [{ tagField: false }, {}],
    ])('go out as %j says', async (options, expected) => {
      await start({ ttl: 60, tags: ({ query }) => ['a', `b:${String(query['b'])}`], ...options });
      for (const hit of [false, true]) {
        const found = await app.get('/page?b=1');
        const fields = Object.entries(found.headers).filter(([name]) => /^(cache-groups|cache-tag|surrogate-key)$/.test(name)); // prettier-ignore
        expect([isHit(found), Object.fromEntries(fields)]).toEqual([hit, expected]);
      }
      await bench.cache.invalidateTags(['b:1']);
      expect(isHit(await app.get('/page?b=1'))).toBe(false);
    });

    it('may come of what the handler returned', async () => {
      await start({ ttl: 60, tags: (_, result) => [`run:${(result as { run: number }).run}`] });
      await get();
      await bench.cache.invalidateTags(['run:2']);
      expect(isHit(await get())).toBe(true);
      await bench.cache.invalidateTags(['run:1']);
      expect(isHit(await get())).toBe(false);
    });
  });

  describe('where options are said', () => {
    @Controller('silent')
    class Silent {
      @Get('plain') plain() {
        return ++calls;
      }
      @Get('never') @NoCache() never() {
        return ++calls;
      }
    }
    @Controller('said')
    @CacheResponse({ ttl: 20, tags: ['class'] })
    class SaidHere {
      @Get('plain') plain() {
        return ++calls;
      }
      @Get('own') @CacheResponse({ ttl: 30 }) own() {
        return ++calls;
      }
      @Get('never') @NoCache() never() {
        return ++calls;
      }
    }
    @Controller('off')
    @NoCache()
    class Off {
      @Get('plain') plain() {
        return ++calls;
      }
      @Get('own') @CacheResponse({ ttl: 30 }) own() {
        return ++calls;
      }
    }
    const GLOBAL = { provide: APP_INTERCEPTOR, useClass: ResponseCacheInterceptor };

    it.each([
      ['/silent/plain', 10, undefined],
      ['/silent/never', undefined, undefined],
      ['/said/plain', 20, '"class"'],
      ['/said/own', 30, '"class"'],
      ['/said/never', undefined, undefined],
      ['/off/plain', undefined, undefined],
      ['/off/own', 30, undefined],
    ])('%s: %s', async (path, ttl, tags) => {
      await start([Silent, SaidHere, Off], {
        imports: [ResponseCacheModule.forRoot({ ttl: 10, maxAge: 5 })],
        providers: [GLOBAL],
      });
      const miss = await app.get(path);
      const again = await app.get(path);
      // Two interceptors act once.
      expect(miss.headers['cache-status']).toBe(
        ttl === undefined ? undefined : 'nestjs-tiered-cache; fwd=uri-miss; stored',
      );
      expect(again.headers['cache-status']).toBe(
        ttl === undefined ? undefined : `nestjs-tiered-cache; hit; ttl=${ttl}`,
      );
      expect(again.headers['cache-control']).toBe(ttl === undefined ? undefined : 'max-age=5');
      expect(again.headers['cache-groups']).toBe(tags);
      expect(calls).toBe(ttl === undefined ? 2 : 1);
    });

    it('without a ttl anywhere nothing is cached', async () => {
      await start([Silent], { providers: [GLOBAL] });
      for (const run of [1, 2]) {
        const { text, headers } = await app.get('/silent/plain');
        expect([text, headers['cache-status']]).toEqual([String(run), undefined]);
      }
    });

    it('a named cache has them, and no other', async () => {
      await start({ ttl: 60, cache: 'pages' }, { imports: [CacheModule.forRoot({ name: 'pages' })] });
      await get();
      expect(isHit(await get())).toBe(true);
      expect(bench.cache.stats()).toMatchObject({ hits: 0, misses: 0 });
      await app.app.get<CacheManager>(getCacheToken('pages')).clear();
      expect(isHit(await get())).toBe(false);
    });
  });
});

describe.each(ADAPTERS)('an application that closes while a refresh runs, on %s', (adapter) => {
  it('waits for it, and no request is left without an answer', async () => {
    const said = new Said();
    const app = await HttpApp.start(adapter, [page({ ttl: '1ms', staleWhileRevalidate: 60 })], {
      logger: said,
    });
    await app.get('/page');
    gate = new Deferred();
    await until(async () => (await app.get('/page')) && calls === 2);
    const closing = app.close();
    gate.resolve();
    await closing;
    expect([calls, said.errors, said.warnings]).toEqual([2, [], []]);
  });
});
