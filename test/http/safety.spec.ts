// Whose a response is: nobody gets what is another's, and what was said for one request is not said again for the next.
import {
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  Catch,
  ClassSerializerInterceptor,
  Controller,
  type ExceptionFilter,
  type ExecutionContext,
  ForbiddenException,
  Get,
  Header,
  Headers,
  HostParam,
  type INestApplication,
  type NestInterceptor,
  NotFoundException,
  Post,
  Query,
  Req,
  Res,
  type Type,
  UseFilters,
  UseGuards,
  UseInterceptors,
  Version,
  VersioningType,
} from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Exclude } from 'class-transformer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { map, type Observable, tap } from 'rxjs';

import {
  CacheResponse,
  type CacheResponseOptions,
  type HttpRequest,
  ResponseCacheInterceptor,
  ResponseCacheModule,
} from '../../lib/http/index.js';
import { until } from '../support/until.js';
import {
  ADAPTERS,
  type AdapterName,
  type Answer,
  HttpApp,
  isHit,
  Said,
  type AnyResponse,
  rawOf,
} from './apps.js';

interface Asking extends HttpRequest {
  user?: { id?: unknown; name: string };
  body?: { who: string };
}

let calls = 0;
/** Who may not come in any more. */
const revoked = new Set<string>();

/** Knows users by a field that no cache knows. */
class Users implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const http = context.switchToHttp();
    const request = http.getRequest<Asking>();
    const name = request.headers['x-token'] as string | undefined;
    if (name === undefined) return true;
    if (revoked.has(name)) return false;
    request.user = { id: name, name };
    rawOf(http.getResponse<AnyResponse>()).setHeader('X-Seen', name);
    return true;
  }
}

function around(change: (value: unknown, context: ExecutionContext) => unknown): Type<NestInterceptor> {
  return class implements NestInterceptor {
    intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
      return next.handle().pipe(map((value: unknown) => change(value, context)));
    }
  };
}

/** A handler, cached in some way, that says how often it was run. */
function cached(
  options: CacheResponseOptions,
  answer: (request: Asking, response: ServerResponse) => unknown = () => ({ run: calls }),
): Type {
  @Controller('it')
  @UseGuards(Users)
  class Cached {
    @Get()
    @CacheResponse({ ttl: '1h', ...options })
    it(@Req() request: Asking, @Res({ passthrough: true }) response: AnyResponse) {
      calls++;
      return answer(request, rawOf(response));
    }
  }
  return Cached;
}

const ofUser = ({ user }: HttpRequest) => (user as { id: string } | undefined)?.id;

describe.each(ADAPTERS)('on %s', (adapter: AdapterName) => {
  let app: HttpApp;

  const start = async (...args: Parameters<typeof HttpApp.start> extends [unknown, ...infer R] ? R : never) =>
    (app = await HttpApp.start(adapter, ...args));
  const hits = async (path: string, ...requests: Record<string, string>[]): Promise<boolean[]> => {
    const answers: Answer[] = [];
    for (const headers of requests) answers.push(await app.get(path, headers));
    return answers.map(isHit);
  };

  beforeEach(() => {
    calls = 0;
    revoked.clear();
  });
  afterEach(() => app.close());

  describe("scope 'auto'", () => {
    it.each<[string, Record<string, string>]>([
      ['Authorization', { authorization: 'Bearer a' }],
      ['an empty Authorization', { authorization: '' }],
      ['Cookie', { cookie: 'session=a' }],
      ['request.user, which a guard has set', { 'x-token': 'ann' }],
    ])('leaves out requests with %s: they neither read nor fill', async (_, headers) => {
      await start([cached({})]);
      expect(await hits('/it', headers, headers)).toEqual([false, false]);
      expect(calls).toBe(2);
      expect(await hits('/it', {}, {}, headers)).toEqual([false, true, false]);
      expect(calls).toBe(4);
      const bypassed = await app.get('/it', headers);
      expect(bypassed.headers['cache-status']).toBe('nestjs-tiered-cache; fwd=bypass');
    });

    it('leaves out requests whose user a middleware has set', async () => {
      await start([cached({})], {
        prepare: (nest) => {
          if (adapter === 'express') {
            nest.use((request: Asking, _: unknown, next: () => void) => {
              if (request.headers['x-mid'] !== undefined) request.user = { name: 'mid' };
              next();
            });
            return;
          }
          const fastify = nest.getHttpAdapter().getInstance() as {
            addHook(name: string, hook: (request: Asking, reply: unknown, done: () => void) => void): void;
          };
          fastify.addHook('preHandler', (request, _, done) => {
            if (request.headers['x-mid'] !== undefined) request.user = { name: 'mid' };
            done();
          });
        },
      });
      expect(await hits('/it', { 'x-mid': '1' }, { 'x-mid': '1' }, {}, {})).toEqual([
        false,
        false,
        false,
        true,
      ]);
    });

    it('does not store for everybody what came to be for somebody only behind the interceptor', async () => {
      await start([
        cached({}, (request) => {
          const who = request.headers['x-key'] as string | undefined;
          if (who !== undefined) request.user = { name: who };
          return { for: who ?? 'everybody' };
        }),
      ]);
      expect((await app.get('/it', { 'x-key': 'ann' })).text).toBe('{"for":"ann"}');
      expect((await app.get('/it', { 'x-key': 'bob' })).text).toBe('{"for":"bob"}');
      expect((await app.get('/it')).text).toBe('{"for":"everybody"}');
    });

    it('does not store, nor fail, when nobody can be named any more', async () => {
      @Controller()
      @UseGuards(Users)
      class Leaving {
        @Get('it')
        @CacheResponse({ ttl: '1m', scope: 'private', identity: ({ user }) => user.id as string })
        it(@Req() request: Asking, @Res() response: AnyResponse) {
          delete request.user;
          setImmediate(() => response.send('bye'));
        }
      }
      await start([Leaving]);
      for (let i = 0; i < 2; i++) {
        const { status, text, headers } = await app.get('/it', { 'x-token': 'ann' });
        expect([status, text]).toEqual([200, 'bye']);
        expect(headers['cache-status']).toBe('nestjs-tiered-cache; fwd=uri-miss; detail=identity');
      }
    });

    it('tells caches on the way what the answer depends on', async () => {
      await start([cached({ maxAge: 60 })]);
      for (const answer of [await app.get('/it'), await app.get('/it')]) {
        expect(answer.headers.vary).toBe('Authorization, Cookie');
        expect(answer.headers['cache-control']).toBe('max-age=60');
      }
    });
  });

  describe("scope 'private'", () => {
    it('has a response for each identity, and none for nobody', async () => {
      await start([
        cached({ scope: 'private', identity: ofUser }, ({ user }) => ({
          for: user?.name ?? null,
          run: calls,
        })),
      ]);
      const ann = { 'x-token': 'ann' };
      const bob = { 'x-token': 'bob' };
      expect(await hits('/it', ann, bob, ann, bob)).toEqual([false, false, true, true]);
      expect((await app.get('/it', bob)).text).toBe('{"for":"bob","run":2}');
      expect(await hits('/it', {}, {})).toEqual([false, false]);
      expect((await app.get('/it')).text).toContain('"for":null');
      expect((await app.get('/it', ann)).headers['cache-control']).toBe('private, no-cache');
    });

    it.each([{ id: 1 }, Number.NaN, true, Symbol('me'), ['ann']])(
      'answers 500 when identity gives %p, rather than one response for all',
      async (who) => {
        const errors: unknown[] = [];
        @Catch()
        class Noting implements ExceptionFilter {
          catch(error: unknown, host: ArgumentsHost) {
            errors.push(error);
            host.switchToHttp().getResponse<AnyResponse>().status(500).send('failed');
          }
        }
        await start([cached({ scope: 'private', identity: () => who as unknown as string })], {
          prepare: (nest) => nest.useGlobalFilters(new Noting()),
        });
        expect((await app.get('/it')).status).toBe(500);
        expect(errors).toEqual([expect.objectContaining({ code: 'CACHE_KEY_INVALID' })]);
        expect(calls).toBe(0);
      },
    );

    it('keeps identities apart that look alike', async () => {
      await start([
        cached({ scope: 'private', identity: ({ headers }) => headers['x-id'] as string }, ({ headers }) => [
          headers['x-id'],
        ]),
      ]);
      for (const id of ['a', 'A', 'a,b', 'a:b', 'a b', '+a', '-', '%61', '1', '01']) {
        expect((await app.get('/it', { 'x-id': id })).text).toBe(JSON.stringify([id]));
      }
    });

    it('does not store the response when it turns out to be for another one', async () => {
      await start([
        cached({ scope: 'private', identity: ofUser }, (request) => {
          const as = request.headers['x-as'] as string | undefined;
          if (as !== undefined) request.user = { id: as, name: as };
          return { for: request.user?.name };
        }),
      ]);
      expect((await app.get('/it', { 'x-token': 'ann', 'x-as': 'bob' })).text).toBe('{"for":"bob"}');
      expect((await app.get('/it', { 'x-token': 'ann' })).text).toBe('{"for":"ann"}');
    });
  });

  it('a refresh in the background stores nothing under the key of another one', async () => {
    // Whom each request turns out to be from: the third is the one in the background.
    const names = ['ann', 'ann', 'bob'];
    @Controller('it')
    class Sessions {
      @Get()
      @UseGuards({
        canActivate: (context: ExecutionContext) => {
          const name = names.shift() ?? 'ann';
          context.switchToHttp().getRequest<Asking>().user = { id: name, name };
          return true;
        },
      })
      @CacheResponse({ ttl: '1ms', staleWhileRevalidate: '1h', scope: 'private', identity: ofUser })
      it(@Req() { user }: Asking) {
        return { for: user?.name, run: ++calls };
      }
    }
    const said = new Said();
    await start([Sessions], { logger: said });
    const miss = Date.now();
    expect((await app.get('/it')).text).toBe('{"for":"ann","run":1}');
    await until(() => Date.now() > miss + 50);
    expect((await app.get('/it')).text).toBe('{"for":"ann","run":1}');
    await until(() => names.length === 0);
    const seen = new Set<string>();
    await until(async () => seen.add((await app.get('/it')).text).size > 1);
    expect([...seen].filter((text) => !text.includes('"for":"ann"'))).toEqual([]);
    expect(calls).toBeGreaterThan(1);
    expect(said.errors).toEqual([
      'a response of Sessions.it could not be refreshed in the background: it was answered 412 without its handler',
    ]);
  });

  it("with scope 'public' everybody gets the same, whoever asks", async () => {
    await start([cached({ scope: 'public' })]);
    const requests: Record<string, string>[] = [
      { authorization: 'Bearer a' },
      { cookie: 'b=c' },
      { 'x-token': 'ann' },
      {},
    ];
    expect(await hits('/it', ...requests)).toEqual([false, true, true, true]);
    expect(calls).toBe(1);
    expect((await app.get('/it')).headers['cache-control']).toBe('public, no-cache');
  });

  it.each(['private', 'public'] as const)(
    'a user who may not come in any more gets no hit (%s)',
    async (scope) => {
      await start([cached({ scope, ...(scope === 'private' && { identity: ofUser }) })]);
      expect(await hits('/it', { 'x-token': 'ann' }, { 'x-token': 'ann' })).toEqual([false, true]);
      revoked.add('ann');
      const refused = await app.get('/it', { 'x-token': 'ann' });
      expect(refused.status).toBe(403);
      expect(isHit(refused)).toBe(false);
      expect(refused.text).not.toContain('run');
      expect(calls).toBe(1);
    },
  );

  describe('is never stored:', () => {
    const cookies = (set: (response: ServerResponse) => void) =>
      cached({ scope: 'public' }, (_, response) => {
        set(response);
        return { run: calls };
      });
    const threeTimes = async (): Promise<unknown[]> => {
      const answers = [await app.get('/it'), await app.get('/it'), await app.get('/it')];
      return answers.map((answer) => (isHit(answer) ? 'a hit' : answer.text));
    };
    const EACH_ITS_OWN = [1, 2, 3].map((run) => `{"run":${run}}`);

    it.each<[string, string, string]>([
      ['Set-Cookie', 'Set-Cookie', 'session=a'],
      ['no-store', 'Cache-Control', 'no-store'],
      ['private', 'Cache-Control', 'private, max-age=60'],
      ['no-cache', 'Cache-Control', 'no-cache'],
      ['Vary: *', 'Vary', '*'],
      ['Vary: *, between others', 'Vary', 'Accept, *'],
    ])('%s, which a handler says', async (_, name, value) => {
      await start([cookies((response) => response.setHeader(name, value))]);
      expect(await threeTimes()).toEqual(EACH_ITS_OWN);
    });

    it('Set-Cookie, which a middleware says before', async () => {
      await start([cookies(() => {})], {
        prepare: (nest) => {
          nest.use((_: unknown, response: ServerResponse, next: () => void) => {
            response.setHeader('Set-Cookie', 'session=a');
            next();
          });
        },
      });
      expect(await threeTimes()).toEqual(EACH_ITS_OWN);
    });

    it.each([
      ['in one piece', false],
      ['in pieces', true],
    ])('Set-Cookie, which a session says when the head is written (%s)', async (_, pieces) => {
      let session = 0;
      @Controller('it')
      class Sessions {
        @Get()
        @CacheResponse({ ttl: '1h', scope: 'public' })
        it(@Res() response: AnyResponse) {
          const raw = rawOf(response);
          const text = `{"run":${++calls}}`;
          if (pieces) raw.write(text.slice(0, 3));
          raw.end(pieces ? text.slice(3) : text);
        }
      }
      await start([Sessions], {
        prepare: (nest) => {
          // As on-headers does, on which sessions stand.
          nest.use((_request: unknown, response: ServerResponse, next: () => void) => {
            const writeHead = response.writeHead.bind(response) as (...args: unknown[]) => ServerResponse;
            response.writeHead = (...args: unknown[]) => {
              response.setHeader('Set-Cookie', `session=${++session}`);
              return writeHead(...args);
            };
            next();
          });
        },
      });
      expect(await threeTimes()).toEqual(EACH_ITS_OWN);
      expect((await app.get('/it')).headers['set-cookie']).toEqual(['session=4']);
    });

    (adapter === 'fastify' ? it : it.skip)('Set-Cookie, which an onSend hook says', async () => {
      await start([cookies(() => {})], {
        prepare: (nest) => {
          const fastify = nest.getHttpAdapter().getInstance() as {
            addHook(name: string, hook: (...args: never[]) => unknown): void;
          };
          fastify.addHook(
            'onSend',
            (
              _request: never,
              reply: { header(n: string, v: string): void },
              _body: never,
              done: () => void,
            ) => {
              reply.header('Set-Cookie', 'session=a');
              done();
            },
          );
        },
      });
      expect(await threeTimes()).toEqual(EACH_ITS_OWN);
    });

    it('what was asked for with a body, which is in no key', async () => {
      await start([cached({ scope: 'public' }, ({ body }) => ({ for: body?.who ?? 'everybody' }))]);
      const ask = (who: string) =>
        app.send('GET', '/it', { 'content-type': 'application/json', 'content-length': String(who.length + 10) }, `{"who":"${who}"}`); // prettier-ignore
      const first = await ask('ann');
      expect((await app.get('/it')).text).toBe('{"for":"everybody"}');
      expect(first.headers['cache-status']).toBe('nestjs-tiered-cache; fwd=bypass');
      if (adapter === 'express') expect((await ask('bob')).text).toBe('{"for":"bob"}');
    });
  });

  it("a handler's Cache-Control stays", async () => {
    await start([cached({ scope: 'public', maxAge: 60 }, (_, response) => void response.setHeader('Cache-Control', 'max-age=7'))]); // prettier-ignore
    for (const answer of [await app.get('/it'), await app.get('/it')]) {
      expect(answer.headers['cache-control']).toBe('max-age=7');
    }
    expect(calls).toBe(1);
  });

  it('what middleware and guards say is said anew on every request', async () => {
    let requests = 0;
    await start([cached({ scope: 'public' })], {
      prepare: (nest) => {
        nest.enableCors({ origin: ['https://a.example', 'https://b.example'], credentials: true });
        nest.use((_: unknown, response: ServerResponse, next: () => void) => {
          response.setHeader('X-Request-Id', `id-${++requests}`);
          response.setHeader('X-RateLimit-Remaining', String(100 - requests));
          response.setHeader('Content-Security-Policy', `script-src 'nonce-${requests}'`);
          if (requests === 1) response.setHeader('X-First', 'yes');
          next();
        });
      },
    });
    const seen: Answer[] = [];
    for (const origin of ['a', 'b', 'a', 'b', 'c', 'c']) {
      seen.push(await app.get('/it', { origin: `https://${origin}.example`, 'x-token': origin }));
    }
    expect(seen.map(({ headers }) => headers['access-control-allow-origin'])).toEqual([
      'https://a.example', 'https://b.example', 'https://a.example', 'https://b.example', undefined, undefined,
    ]); // prettier-ignore
    expect(seen.map(isHit)).toEqual([false, false, true, true, false, true]);
    seen.forEach(({ headers }, i) => {
      expect(headers['x-request-id']).toBe(`id-${i + 1}`);
      expect(headers['x-ratelimit-remaining']).toBe(String(99 - i));
      expect(headers['content-security-policy']).toBe(`script-src 'nonce-${i + 1}'`);
      expect(headers['x-seen']).toBe('ababcc'[i]);
      expect(headers['x-first']).toBe(i === 0 ? 'yes' : undefined);
      expect(headers.vary).toContain('Origin');
    });
  });

  describe('interceptors around', () => {
    const startAround = (interceptor: Type<NestInterceptor>, controller: Type) =>
      start([controller], { prepare: (nest) => nest.useGlobalInterceptors(new interceptor()) });

    it('that wrap do not wrap twice', async () => {
      await startAround(
        around((data) => ({ data })),
        cached({ scope: 'public' }),
      );
      for (const hit of [false, true, true]) {
        const answer = await app.get('/it');
        expect(answer.text).toBe('{"data":{"run":1}}');
        expect(isHit(answer)).toBe(hit);
      }
    });

    it.each([null, undefined, 0, '', false])(
      'that throw on what is falsy throw for %p, as without a cache',
      async (value) => {
        await startAround(
          around((data) => {
            if (!data) throw new NotFoundException();
            return data;
          }),
          cached({ scope: 'public' }, () => (calls === 1 ? value : 'there now')),
        );
        expect((await app.get('/it')).status).toBe(404);
        const there = await app.get('/it');
        expect([there.status, there.text]).toEqual([200, 'there now']);
        expect(isHit(await app.get('/it'))).toBe(true);
      },
    );

    it('are heard when they refuse the response, on a hit too', async () => {
      await startAround(
        around((data, context) => {
          const { headers } = context.switchToHttp().getRequest<Asking>();
          if (headers['x-refuse'] !== undefined) throw new ForbiddenException('not for you');
          return data;
        }),
        cached({ scope: 'public' }),
      );
      expect((await app.get('/it', { 'x-refuse': '1' })).status).toBe(403);
      expect(await hits('/it', {}, {})).toEqual([false, true]);
      const refused = await app.get('/it', { 'x-refuse': '1' });
      expect(refused.status).toBe(403);
      expect(refused.text).toContain('not for you');
      expect(refused.text).not.toContain('run');
      expect(refused.headers['cache-status'] ?? '').not.toContain('hit');
      expect(isHit(await app.get('/it'))).toBe(true);
    });

    it('that fail because of the placeholder are said once, with what to do', async () => {
      const said = new Said();
      await start([cached({ scope: 'public' })], {
        logger: said,
        prepare: (nest) =>
          nest.useGlobalInterceptors(
            new (around((data) => ({ run: (data as { run: number }).run.toFixed() })))(),
          ),
      });
      expect(await hits('/it', {})).toEqual([false]);
      expect([(await app.get('/it')).status, (await app.get('/it')).status]).toEqual([500, 500]);
      const ours = said.errors.filter((text) => text.includes('around the cache'));
      expect(ours).toEqual([
        expect.stringMatching(/^a hit of \w+\.\w+ .* 'a stored response' .* above @CacheResponse/),
      ]);
    });

    it('are heard when they refuse, though a filter says 200 to everything', async () => {
      @Catch()
      class Fine implements ExceptionFilter {
        catch(error: Error, host: ArgumentsHost) {
          host.switchToHttp().getResponse<AnyResponse>().status(200).send({ error: error.message });
        }
      }
      const refusing = around((data, context) => {
        const { headers } = context.switchToHttp().getRequest<Asking>();
        if (headers['x-refuse'] !== undefined) throw new ForbiddenException('not for you');
        return { data };
      });
      await start([cached({ scope: 'public' })], {
        prepare: (nest) => nest.useGlobalInterceptors(new refusing()).useGlobalFilters(new Fine()),
      });
      expect((await app.get('/it', { 'x-refuse': '1' })).text).toBe('{"error":"not for you"}');
      expect(await hits('/it', {}, {})).toEqual([false, true]);
      expect((await app.get('/it', { 'x-refuse': '1' })).text).toBe('{"error":"not for you"}');
    });

    it('set header fields for each request; they are not stored', async () => {
      let times = 0;
      class Heads implements NestInterceptor {
        intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
          const http = context.switchToHttp();
          const raw = rawOf(http.getResponse<AnyResponse>());
          raw.setHeader('X-Before', ++times);
          const who = http.getRequest<Asking>().user?.name;
          return next.handle().pipe(
            tap(() => {
              raw.setHeader('X-Time', times);
              if (who !== undefined) raw.setHeader('X-Who', who);
            }),
          );
        }
      }
      await startAround(
        Heads,
        cached({ scope: 'public' }, (_, response) => void response.setHeader('X-Own', calls)),
      );
      const ann = await app.get('/it', { 'x-token': 'ann' });
      const bob = await app.get('/it', { 'x-token': 'bob' });
      const nobody = await app.get('/it');
      expect([ann, bob, nobody].map(isHit)).toEqual([false, true, true]);
      const said = [ann, bob, nobody].map(({ headers }) =>
        ['x-before', 'x-time', 'x-who', 'x-own'].map((name) => headers[name]),
      );
      expect(said).toEqual([
        ['1', '1', 'ann', '1'],
        ['2', '2', 'bob', '1'],
        ['3', '3', undefined, '1'],
      ]);
    });

    it('that put the user into the body put him into what everybody gets, where the scope is public', async () => {
      // The bytes of a response are what is stored, whoever has made them. That is what scope says.
      const naming = around((data, context) => ({
        data,
        user: context.switchToHttp().getRequest<Asking>().user?.name,
      }));
      await startAround(naming, cached({ scope: 'public' }));
      expect((await app.get('/it', { 'x-token': 'ann' })).text).toBe('{"data":{"run":1},"user":"ann"}');
      expect((await app.get('/it', { 'x-token': 'bob' })).text).toBe('{"data":{"run":1},"user":"ann"}');
    });

    it.each<[string, CacheResponseOptions]>([
      ['auto', {}],
      ['private', { scope: 'private', identity: ofUser }],
    ])('that put the user into the body put in the right one, where the scope is %s', async (_, options) => {
      const naming = around((_data, context) => ({
        user: context.switchToHttp().getRequest<Asking>().user?.name ?? null,
      }));
      await startAround(naming, cached(options));
      for (const name of ['ann', 'bob', 'ann', 'bob']) {
        expect((await app.get('/it', { 'x-token': name })).text).toBe(`{"user":"${name}"}`);
      }
      expect((await app.get('/it')).text).toBe('{"user":null}');
    });

    class Account {
      readonly name = 'ann';
      @Exclude() readonly password = 'secret';
    }

    it.each(['inside', 'outside'])(
      'ClassSerializerInterceptor %s hides on hits what it hides on misses',
      async (where) => {
        const order =
          where === 'inside'
            ? [ResponseCacheInterceptor, ClassSerializerInterceptor]
            : [ClassSerializerInterceptor, ResponseCacheInterceptor];
        @Controller('it')
        @UseInterceptors(...order)
        class Accounts {
          @Get() it() {
            calls++;
            return [new Account(), { nested: new Account() }];
          }
        }
        await start([Accounts], { imports: [ResponseCacheModule.forRoot({ ttl: '1h' })] });
        for (const hit of [false, true, true]) {
          const answer = await app.get('/it');
          expect(answer.text).toBe('[{"name":"ann"},{"nested":{"name":"ann"}}]');
          expect(isHit(answer)).toBe(hit);
        }
      },
    );
  });

  it.each<[string, () => Error, number]>([
    ['any error', () => new Error('broken'), 500],
    ['a refusal', () => new ForbiddenException('no'), 500],
  ])('what an exception filter of its own makes of %s is not stored', async (_, error, status) => {
    @Catch()
    class Filter implements ExceptionFilter {
      catch({ message }: Error, host: ArgumentsHost) {
        host.switchToHttp().getResponse<AnyResponse>().status(500).send({ message, run: calls });
      }
    }
    @Controller('it')
    @UseFilters(Filter)
    class Failing {
      @Get() @CacheResponse({ ttl: '1h', negativeTtl: '1h' }) it() {
        if (++calls < 3) throw error();
        return { run: calls };
      }
    }
    await start([Failing]);
    for (const run of [1, 2]) {
      const failed = await app.get('/it');
      expect(failed.status).toBe(status);
      expect(JSON.parse(failed.text)).toEqual({ message: error().message, run });
    }
    expect((await app.get('/it')).text).toBe('{"run":3}');
    expect(isHit(await app.get('/it'))).toBe(true);
  });

  describe('hosts', () => {
    const answersHost = (options: CacheResponseOptions = {}) =>
      cached({ scope: 'public', ...options }, ({ headers }) => ({ host: headers.host }));

    it('never share a response', async () => {
      await start([answersHost()]);
      for (const host of ['a.example', 'b.example', 'a.example:81', 'a.example', 'b.example']) {
        expect((await app.get('/it', { host })).text).toBe(JSON.stringify({ host }));
      }
      expect(calls).toBe(3);
    });

    it('of tenants have each its own, by the host of the controller', async () => {
      @Controller({ path: 'it', host: ':tenant.example' })
      class Tenants {
        @Get() @CacheResponse({ ttl: '1h' }) it(@HostParam('tenant') tenant: string) {
          return { tenant, run: ++calls };
        }
      }
      await start([Tenants]);
      for (const tenant of ['red', 'blue', 'red', 'blue']) {
        expect(JSON.parse((await app.get('/it', { host: `${tenant}.example` })).text)).toMatchObject({
          tenant,
        });
      }
      expect(calls).toBe(2);
    });

    it('that are not on the list are not cached', async () => {
      await start([answersHost({ hosts: ['Shop.example'] })]);
      expect(await hits('/it', { host: 'shop.example' }, { host: 'SHOP.example' })).toEqual([false, true]);
      expect(await hits('/it', { host: 'shop.example.' }, { host: 'shop.example:80' })).toEqual([
        false,
        false,
      ]);
      expect(await hits('/it', { host: 'shop.example.' }, { host: 'shop.example:80' })).toEqual([true, true]);
      expect(await hits('/it', { host: 'evil.example' }, { host: 'evil.example' })).toEqual([false, false]);
    });

    it('come from X-Forwarded-Host only where a proxy is trusted', async () => {
      await start([answersHost()]);
      expect(
        await hits('/it', { 'x-forwarded-host': 'a.example' }, { 'x-forwarded-host': 'b.example' }),
      ).toEqual([false, true]);
    });

    (adapter === 'express' ? it : it.skip)('are what a trusted proxy says', async () => {
      await start([cached({ scope: 'public' }, (request) => ({ host: request.host }))], {
        prepare: (nest: INestApplication) =>
          (nest.getHttpAdapter().getInstance() as { set(name: string, value: unknown): void }).set(
            'trust proxy',
            true,
          ),
      });
      for (const host of ['a.example', 'b.example', 'a.example']) {
        expect((await app.get('/it', { 'x-forwarded-host': host })).text).toBe(JSON.stringify({ host }));
      }
      expect(calls).toBe(2);
      await app.get('/it', { 'x-forwarded-host': 'a.example', 'x-forwarded-proto': 'https' });
      expect(calls).toBe(3);
    });
  });

  describe('keys', () => {
    it('tell versions by a header apart, of controllers of one name', async () => {
      const version = (number: string): Type => {
        @Controller('it')
        class Versioned {
          @Get() @Version(number) @CacheResponse({ ttl: '1h' }) it() {
            calls++;
            return { version: number };
          }
        }
        return Versioned;
      };
      await start([version('1'), version('2')], {
        prepare: (nest) => nest.enableVersioning({ type: VersioningType.HEADER, header: 'x-version' }),
      });
      for (const number of ['1', '2', '1', '2']) {
        expect((await app.get('/it', { 'x-version': number })).text).toBe(`{"version":"${number}"}`);
      }
      expect(calls).toBe(2);
    });

    it('tell controllers of one name apart, with key functions too, and behind a global prefix', async () => {
      const twin = (path: string): Type => {
        @Controller(path)
        class Twin {
          @Get() @CacheResponse({ ttl: '1h', key: () => 'same' }) it() {
            return { path };
          }
        }
        return Twin;
      };
      await start([twin('left'), twin('right')], { prepare: (nest) => nest.setGlobalPrefix('api') });
      for (const path of ['left', 'right', 'left', 'right']) {
        expect((await app.get(`/api/${path}`)).text).toBe(JSON.stringify({ path }));
      }
    });

    it('of a function take the place of host, path and query, and nothing else', async () => {
      const key = ({ query }: HttpRequest) => String(query['product']);
      await start([
        cached({ scope: 'private', identity: ({ headers }) => headers['x-id'] as string, key }, (request) => [
          request.headers['x-id'], request.query['product'],
        ]), // prettier-ignore
      ]);
      const ask = async (id: string, query: string) => (await app.get(`/it?${query}`, { 'x-id': id })).text;
      expect(await ask('ann', 'product=1&x=1')).toBe('["ann","1"]');
      expect(await ask('ann', 'x=2&product=1')).toBe('["ann","1"]');
      expect(await ask('bob', 'product=1')).toBe('["bob","1"]');
      expect(await ask('ann', 'product=2')).toBe('["ann","2"]');
      expect(calls).toBe(3);
    });

    (adapter === 'express' ? it : it.skip)('see what a middleware has made of the URL', async () => {
      @Controller()
      class Pages {
        @Get(':language/page') @CacheResponse({ ttl: '1h' }) page(@Req() { params }: Asking) {
          calls++;
          return params;
        }
      }
      await start([Pages], {
        prepare: (nest) => {
          nest.use((request: IncomingMessage, _: unknown, next: () => void) => {
            request.url = `/${String(request.headers['accept-language'])}${request.url}`;
            next();
          });
        },
      });
      for (const language of ['de', 'fr', 'de', 'fr']) {
        expect((await app.get('/page', { 'accept-language': language })).text).toBe(
          JSON.stringify({ language }),
        );
      }
      expect(calls).toBe(2);
    });

    it('see what a client has sent, not what a handler has made of it', async () => {
      await start([
        cached({ scope: 'public' }, ({ headers }, response) => {
          const language = headers['accept-language'];
          headers['accept-language'] = 'en';
          response.setHeader('Vary', 'Accept-Language');
          return { language };
        }),
      ]);
      for (const language of ['de', 'en', 'de', 'en']) {
        expect((await app.get('/it', { 'accept-language': language })).text).toBe(
          JSON.stringify({ language }),
        );
      }
      expect(calls).toBe(2);
    });

    it('see which header fields the options and the handlers name', async () => {
      await start([
        cached({ scope: 'public', vary: ['X-Currency'] }, ({ headers }, response) => {
          response.setHeader('Vary', 'Accept-Language');
          return [headers['x-currency'] ?? null, headers['accept-language'] ?? null];
        }),
      ]);
      const values = [undefined, '', 'a', 'b', 'a,b'];
      for (let round = 0; round < 2; round++) {
        for (const currency of values)
          for (const language of values) {
            const headers = {
              ...(currency !== undefined && { 'x-currency': currency }),
              ...(language !== undefined && { 'accept-language': language }),
            };
            const answer = await app.get('/it', headers);
            expect(answer.text).toBe(JSON.stringify([currency ?? null, language ?? null]));
            expect(answer.headers.vary).toBe('Accept-Language, X-Currency');
          }
      }
      expect(calls).toBe(25);
    });
  });

  it('with freshness by the origin, what is declared on the handler counts, and a 304 brings nothing of its own request', async () => {
    let requests = 0;
    @Controller('it')
    @UseGuards(Users)
    class Declared {
      @Get()
      @Header('Cache-Control', 'max-age=0, stale-if-error=60, public')
      @Header('ETag', '"one"')
      @CacheResponse({ freshness: 'origin', scope: 'public' })
      it(@Req() { headers }: Asking, @Res() response: AnyResponse) {
        calls++;
        const fresh = headers['if-none-match'] === '"one"';
        if (headers['x-fail'] !== undefined) response.status(500).send('broken');
        else if (fresh) response.status(304).send('');
        else response.send('text');
      }
    }
    await start([Declared], {
      prepare: (nest) => {
        nest.use((_: unknown, response: ServerResponse, next: () => void) => {
          response.setHeader('X-Request-Id', ++requests);
          next();
        });
      },
    });
    const answers = [
      await app.get('/it', { 'x-token': 'ann' }),
      await app.get('/it', { 'x-token': 'bob' }),
      await app.get('/it', { 'x-token': 'eve', 'x-fail': '1' }),
    ];
    expect(answers.map(({ status, text }) => [status, text])).toEqual(answers.map(() => [200, 'text']));
    expect(answers.map(({ headers }) => [headers['x-request-id'], headers['x-seen']])).toEqual([
      ['1', 'ann'],
      ['2', 'bob'],
      ['3', 'eve'],
    ]);
    expect(calls).toBe(3);
  });

  it('a mutation by a method that is not safe is never answered from the store', async () => {
    @Controller('it')
    @CacheResponse({ ttl: '1h' })
    class Mixed {
      @Get() get(@Query('x') x: string, @Headers('host') host: string) {
        return { run: ++calls, x, host };
      }
      @Post() @Header('X-Done', 'yes') post() {
        return { run: ++calls };
      }
    }
    await start([Mixed], { providers: [{ provide: APP_INTERCEPTOR, useClass: ResponseCacheInterceptor }] });
    for (const run of [1, 2, 3]) expect((await app.send('POST', '/it')).text).toBe(`{"run":${run}}`);
  });
});
