// Header fields of one request, and those of the stored response: neither goes where the other belongs.
import { type IncomingMessage, OutgoingMessage, type ServerResponse } from 'node:http';
import { Controller, Get, Req, Res, type Type } from '@nestjs/common';
import { afterEach, describe, expect, it } from '@jest/globals';

import { CacheResponse, type CacheResponseOptions } from '../../lib/http/index.js';
import { ADAPTERS, type AnyResponse, type AppOptions, HttpApp, isHit } from './apps.js';

const running: HttpApp[] = [];
afterEach(() => Promise.all(running.splice(0).map((app) => app.close())));

async function start(adapter: 'express' | 'fastify', controller: Type, prepare?: AppOptions['prepare']) {
  const app = await HttpApp.start(adapter, [controller], { ...(prepare && { prepare }) });
  running.push(app);
  return app;
}

type Middleware = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

/** Calls back when the head is about to be written, as sessions and loggers do. */
const whenWritten =
  (listener: (request: IncomingMessage, response: ServerResponse) => void): Middleware =>
  (request, response, next) => {
    const { writeHead } = response;
    response.writeHead = ((...args: Parameters<typeof writeHead>) => {
      listener(request, response);
      return writeHead.apply(response, args);
    }) as typeof writeHead;
    next();
  };

function page(options: CacheResponseOptions, write: (response: AnyResponse) => void = () => {}): Type {
  @Controller()
  class Page {
    @Get('page')
    @CacheResponse({ ttl: '1h', scope: 'public', ...options })
    page(@Req() _request: unknown, @Res({ passthrough: true }) response: AnyResponse) {
      write(response);
      return { a: 1 };
    }
  }
  return Page;
}

const FIELDS_OF_HOOKS = ['x-request', 'x-user'];

it('what hooks set while a hit is sent is about this request, on fastify', async () => {
  let requests = 0;
  const app = await start('fastify', page({}), (nest) => {
    const fastify = nest.getHttpAdapter().getInstance() as {
      addHook(name: string, hook: (...args: never[]) => void): void;
    };
    fastify.addHook(
      'onSend',
      (
        request: { headers: Record<string, string> },
        reply: { header(name: string, value: string): void },
        payload: unknown,
        done: (error: null, payload: unknown) => void,
      ) => {
        reply.header('x-request', String(++requests));
        reply.header('x-user', request.headers['x-user']!);
        reply.header('vary', 'X-Hook');
        done(null, payload);
      },
    );
  });
  for (const [run, user] of ['a', 'b', 'c'].entries()) {
    const { headers, ...answer } = await app.get('/page', { 'x-user': user });
    expect(FIELDS_OF_HOOKS.map((name) => headers[name])).toEqual([`${run + 1}`, user]);
    expect(isHit({ headers, ...answer })).toBe(run > 0);
    expect(headers.vary).toBe('X-Hook');
  }
});

it('what a wrapped method of the response sets is about this request, on express', async () => {
  let requests = 0;
  const app = await start('express', page({}), (nest) =>
    nest.use((_request: unknown, response: { json: (body: unknown) => unknown }, next: () => void) => {
      const { json } = response;
      response.json = function send(this: ServerResponse, body) {
        this.setHeader('x-request', String(++requests));
        return json.call(this as never, body);
      };
      next();
    }),
  );
  const numbers = [];
  for (let i = 0; i < 2; i++) numbers.push((await app.get('/page')).headers['x-request']);
  // The placeholder of a hit is a text.
  expect(numbers).toEqual(['1', '1']);
});

it('a stored field of several lines does not grow by what is appended for others', async () => {
  const append = whenWritten(({ headers }, response) => {
    response.appendHeader('Server-Timing', `user-${String(headers['x-user'])}`);
  });
  const lines = (response: AnyResponse): unknown =>
    response.setHeader('Server-Timing', ['a;dur=1', 'b;dur=2'] as never);
  const app = await start('express', page({}, lines), (nest) => nest.use(append));
  for (const user of ['a', 'b', 'c']) {
    const { headers } = await app.get('/page', { 'x-user': user });
    expect(headers['server-timing']).toBe(`a;dur=1, b;dur=2, user-${user}`);
  }
});

describe.each(ADAPTERS)('no other cache is told to keep a cookie, on %s', (adapter) => {
  const late = whenWritten((_, response) => response.setHeader('Set-Cookie', 'session=1'));
  // As cookie-session does.
  const behind = whenWritten((_, response) => {
    OutgoingMessage.prototype.setHeader.call(response, 'Set-Cookie', ['session=1']);
  });
  const shared = { maxAge: 10, sharedMaxAge: 60 };

  it.each<[string, Middleware, CacheResponseOptions]>([
    ['a session sets late', late, shared],
    ['a session sets late, with scope auto', late, { ...shared, scope: 'auto' }],
    ['a session sets late, without ages', late, {}],
    ['a session sets late, by the method of Node', behind, shared],
  ])('that %s', async (_, middleware, options) => {
    const app = await start(adapter, page(options), (nest) => nest.use(middleware));
    for (let i = 0; i < 2; i++) {
      const { headers } = await app.get('/page');
      expect([headers['set-cookie'], headers['cache-control']]).toEqual([['session=1'], 'private, no-cache']);
      expect(headers['cache-status']).toBe('nestjs-tiered-cache; fwd=uri-miss; detail=set-cookie');
    }
  });

  it('that a middleware sets before a hit', async () => {
    let requests = 0;
    const app = await start(adapter, page(shared), (nest) =>
      nest.use((_: unknown, response: ServerResponse, next: () => void) => {
        if (++requests > 1) response.setHeader('Set-Cookie', 'session=1');
        next();
      }),
    );
    await app.get('/page');
    const hit = await app.get('/page');
    expect([isHit(hit), hit.headers['cache-control']]).toEqual([true, 'private, no-cache']);
  });

  it('but without one they are', async () => {
    const app = await start(adapter, page(shared), (nest) => nest.use(whenWritten(() => {})));
    expect((await app.get('/page')).headers['cache-control']).toBe('public, max-age=10, s-maxage=60');
  });
});
