// Many requests at once: who runs the handler, who waits for whom, and what becomes of what is invalidated meanwhile.
import http from 'node:http';
import { PassThrough } from 'node:stream';
import {
  BadRequestException,
  Controller,
  Delete,
  Get,
  InternalServerErrorException,
  Res,
  StreamableFile,
} from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';

import { CacheResponse } from '../../lib/http/index.js';
import type { CacheModuleOptions } from '../../lib/index.js';
import { Deferred, settle } from '../support/deferred.js';
import { type AnyRedis, anyRedis, until } from '../support/redis-server.js';
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

/** One call of a handler, which ends when the test says so. */
class Call {
  readonly answer = new Deferred<unknown>();
  readonly stream = new PassThrough();
}

let calls: Call[] = [];
/** Whether responses are for one client only. */
let personal = false;

function call(): Call {
  const made = new Call();
  calls.push(made);
  return made;
}

@Controller()
@CacheResponse({ ttl: '1h', scope: 'public' })
class Slow {
  @Get('value')
  @CacheResponse({ tags: ['values'] })
  async value(@Res({ passthrough: true }) response: AnyResponse) {
    const answer = await call().answer.promise;
    if (personal) rawOf(response).setHeader('Set-Cookie', 'a=1');
    return answer;
  }

  @Delete('value')
  remove() {}

  /** What `@Sse()` does, by hand. */
  @Get('events')
  events(@Res() response: AnyResponse) {
    const raw = rawOf(response);
    raw.setHeader('Content-Type', 'text/event-stream');
    call().stream.pipe(raw);
  }

  /** Returns at once, and writes when it has something to write, unless nobody is there any more. */
  @Get('later')
  later(@Res() response: AnyResponse) {
    const raw = rawOf(response);
    void call().answer.promise.then((answer) => raw.destroyed || raw.end(answer));
  }

  @Get('stream')
  stream(@Res({ passthrough: true }) response: AnyResponse) {
    if (personal) rawOf(response).setHeader('Set-Cookie', 'a=1');
    return new StreamableFile(call().stream);
  }
}

const said = new Said();
const apps: HttpApp[] = [];
/** The responses that an application has not finished. */
const open = new WeakMap<HttpApp, Set<object>>();

beforeEach(() => {
  calls = [];
  personal = false;
});
afterEach(() => Promise.all(apps.splice(0).map((app) => app.close())));

async function start(adapter: AdapterName, cache: CacheModuleOptions = {}): Promise<HttpApp> {
  const app = await HttpApp.start(adapter, [Slow], { cache, logger: said });
  const unfinished = new Set<object>();
  open.set(app, unfinished);
  app.app.getHttpServer().on('request', (_: unknown, response: http.ServerResponse) => {
    unfinished.add(response);
    response.once('close', () => unfinished.delete(response));
  });
  apps.push(app);
  return app;
}

/** The first of them has reached the handler, and all of them the application. */
async function ask(app: HttpApp, path: string, count: number): Promise<Promise<Answer>[]> {
  const before = calls.length;
  const asked = [app.get(path)];
  await until(() => calls.length > before);
  for (let i = 1; i < count; i++) asked.push(app.get(path));
  await arrived(app, count);
  return asked;
}

async function arrived(app: HttpApp, count: number): Promise<void> {
  await until(() => open.get(app)!.size >= count, { what: `${count} requests` });
  await settle();
}

async function texts(asked: readonly Promise<Answer>[]): Promise<string[]> {
  return (await Promise.all(asked)).map(({ text }) => text);
}

/** A request whose client goes away when it is told to. */
function leaving(app: HttpApp, path: string): () => Promise<void> {
  const request = http.get({ port: app.port, host: '127.0.0.1', path, agent: false });
  const gone = new Promise<void>(
    (resolve) => void request.once('error', () => resolve()).once('close', resolve),
  );
  return () => {
    request.destroy();
    return gone;
  };
}

describe.each(ADAPTERS)('on %s', (adapter) => {
  describe('one call', () => {
    it('serves all, and each is told where its answer comes from', async () => {
      const app = await start(adapter);
      const asked = await ask(app, '/value', 20);
      calls[0]!.answer.resolve({ is: 'shared' });
      const [first, ...others] = await Promise.all(asked);
      expect(calls).toHaveLength(1);
      expect(first!.headers['cache-status']).toBe('nestjs-tiered-cache; fwd=uri-miss; stored');
      for (const { text, headers } of others) {
        expect(text).toBe('{"is":"shared"}');
        expect(headers['cache-status']).toMatch(
          /^nestjs-tiered-cache; (fwd=uri-miss; collapsed|hit; ttl=3\d+)$/,
        );
      }
    });

    it('serves all who have waited for the end of its stream', async () => {
      const app = await start(adapter);
      const asked = await ask(app, '/stream', 3);
      calls[0]!.stream.write('one ');
      calls[0]!.stream.end('two');
      expect(await texts(asked)).toEqual(['one two', 'one two', 'one two']);
      expect(isHit(await app.get('/stream'))).toBe(true);
      expect(calls).toHaveLength(1);
    });

    it('that fails has failed for all, and not for who comes later', async () => {
      const app = await start(adapter);
      const asked = await ask(app, '/value', 5);
      calls[0]!.answer.reject(new InternalServerErrorException('down'));
      for (const { status, text, headers } of await Promise.all(asked)) {
        expect([status, JSON.parse(text)]).toEqual([500, expect.objectContaining({ message: 'down' })]);
        expect(headers['cache-control']).toBeUndefined();
      }
      expect(calls).toHaveLength(1);
      const [later] = await ask(app, '/value', 1);
      calls[1]!.answer.resolve('up');
      expect((await later!).text).toBe('up');
    });
  });

  describe('nobody gets the answer of another', () => {
    it('when the handler refuses: each is refused, or served, by a call of its own', async () => {
      const app = await start(adapter);
      const asked = await ask(app, '/value', 3);
      calls[0]!.answer.reject(new BadRequestException('first'));
      expect((await asked[0]!).status).toBe(400);
      await until(() => calls.length === 3);
      calls[1]!.answer.reject(new BadRequestException('another'));
      calls[2]!.answer.resolve('served');
      const others = await Promise.all(asked.slice(1));
      expect(new Set(others.map(({ status }) => status))).toEqual(new Set([200, 400]));
      // What was served is stored.
      expect((await app.get('/value')).text).toBe('served');
    });

    it('when it is not to be stored: nobody waits for its end, nor for others like it', async () => {
      personal = true;
      const app = await start(adapter);
      const asked = await ask(app, '/stream', 4);
      expect(calls).toHaveLength(1);
      calls[0]!.stream.write('begun');
      await until(() => calls.length === 4);
      asked.push(app.get('/stream'), app.get('/stream'));
      await until(() => calls.length === 6);
      for (const [i, { stream }] of calls.entries()) stream.end(`, by ${i}`);
      expect((await texts(asked)).toSorted()).toEqual([
        ', by 1',
        ', by 2',
        ', by 3',
        ', by 4',
        ', by 5',
        'begun, by 0',
      ]);
      const answers = await Promise.all(asked);
      for (const { headers } of answers) {
        expect(headers['set-cookie']).toEqual(['a=1']);
        expect(headers['cache-status']).toBe('nestjs-tiered-cache; fwd=uri-miss; detail=set-cookie');
        expect(headers['cache-control']).toBeUndefined();
      }
    });

    it('when it is events, which have no end to wait for', async () => {
      const app = await start(adapter);
      const asked = await ask(app, '/events', 2);
      calls[0]!.stream.write('data: 1\n\n');
      await until(() => calls.length === 2);
      for (const { stream } of calls) stream.end('data: 2\n\n');
      expect(await texts(asked)).toEqual(['data: 1\n\ndata: 2\n\n', 'data: 2\n\n']);
    });

    it('and as soon as it may be stored, it is', async () => {
      personal = true;
      const app = await start(adapter);
      const [own] = await ask(app, '/value', 1);
      calls[0]!.answer.resolve('own');
      expect((await own!).headers['set-cookie']).toEqual(['a=1']);
      personal = false;
      // Nobody waits for anybody at first.
      const asked = [app.get('/value'), app.get('/value')];
      await until(() => calls.length === 3);
      for (const { answer } of calls) answer.resolve('for all');
      expect(await texts(asked)).toEqual(['for all', 'for all']);
      const hit = await app.get('/value');
      expect([hit.text, isHit(hit), calls.length]).toEqual(['for all', true, 3]);
    });
  });

  describe('a client that leaves', () => {
    it('before its answer, which is then not written at all', async () => {
      const app = await start(adapter);
      const leave = leaving(app, '/later');
      await until(() => calls.length === 1);
      const asked = [app.get('/later'), app.get('/later')];
      await arrived(app, 3);
      await leave();
      await until(() => calls.length === 2);
      for (const { answer } of calls) answer.resolve('anew');
      expect(await texts(asked)).toEqual(['anew', 'anew']);
      expect(isHit(await app.get('/later'))).toBe(true);
      expect(calls).toHaveLength(2);
    });

    it('before its answer: one of those who have waited asks anew, for all', async () => {
      const app = await start(adapter);
      const leave = leaving(app, '/value');
      await until(() => calls.length === 1);
      const asked = [app.get('/value'), app.get('/value'), app.get('/value')];
      await arrived(app, 4);
      await leave();
      await until(() => calls.length === 2);
      await settle();
      calls[0]!.answer.resolve('for nobody');
      calls[1]!.answer.resolve('anew');
      expect(await texts(asked)).toEqual(['anew', 'anew', 'anew']);
      expect((await app.get('/value')).text).toBe('anew');
      expect(calls).toHaveLength(2);
    });

    it('in the middle of it: half of it is not stored', async () => {
      const app = await start(adapter);
      const leave = leaving(app, '/stream');
      await until(() => calls.length === 1);
      calls[0]!.stream.write('half');
      const waiting = app.get('/stream');
      await arrived(app, 2);
      await leave();
      await until(() => calls.length === 2);
      calls[1]!.stream.end('all of it');
      expect((await waiting).text).toBe('all of it');
      const hit = await app.get('/stream');
      expect([hit.text, isHit(hit)]).toEqual(['all of it', true]);
    });

    it('while it waits for another: that one has its answer, which is stored', async () => {
      const app = await start(adapter);
      const [first] = await ask(app, '/value', 1);
      const leave = leaving(app, '/value');
      await arrived(app, 2);
      await leave();
      calls[0]!.answer.resolve('there');
      expect((await first!).text).toBe('there');
      expect(isHit(await app.get('/value'))).toBe(true);
      expect(calls).toHaveLength(1);
    });
  });

  describe('an invalidation while the handler runs', () => {
    it.each<[string, (app: HttpApp) => Promise<unknown>]>([
      ['by a tag', (app) => app.cache.invalidateTags(['values'])],
      ['by its address', (app) => app.send('DELETE', '/value')],
      ['of everything', (app) => app.cache.clear()],
    ])('%s: its own client gets what it has come to, and nobody after that', async (_, invalidate) => {
      const app = await start(adapter);
      const [early] = await ask(app, '/value', 1);
      await invalidate(app);
      const late = app.get('/value');
      await arrived(app, 2);
      calls[0]!.answer.resolve('old');
      await until(() => calls.length === 2);
      calls[1]!.answer.resolve('new');
      expect((await late).text).toBe('new');
      expect((await early!).text).toBe('old');
      expect((await app.get('/value')).text).toBe('new');
    });

    it('of something else does not concern it', async () => {
      const app = await start(adapter);
      const [asked] = await ask(app, '/value', 1);
      await app.cache.invalidateTags(['others']);
      calls[0]!.answer.resolve('kept');
      await asked;
      expect(isHit(await app.get('/value'))).toBe(true);
    });

    it('is heeded by a run that nobody waits for, too', async () => {
      personal = true;
      const app = await start(adapter);
      const [own] = await ask(app, '/value', 1);
      calls[0]!.answer.resolve('own');
      await own;
      personal = false;
      const [early] = await ask(app, '/value', 1);
      await app.cache.invalidateTags(['values']);
      calls[1]!.answer.resolve('old');
      expect((await early!).text).toBe('old');
      const [late] = await ask(app, '/value', 1);
      calls[2]!.answer.resolve('new');
      expect((await late!).text).toBe('new');
    });
  });
});

describe('two instances on one Redis', () => {
  let redis: AnyRedis;
  beforeAll(async () => {
    redis = await anyRedis();
  });
  afterAll(() => redis.stop());

  let names = 0;
  /** One of each kind: they share what they have stored. */
  const both = (): Promise<HttpApp[]> => {
    const cache = { namespace: `http-${process.pid}-${++names}`, redis: { url: redis.url } };
    return Promise.all(ADAPTERS.map((adapter) => start(adapter, cache)));
  };
  /** Requests of one address to both. */
  const host = { host: 'shop.example' };

  it('one call serves the waiting clients of both', async () => {
    const [one, other] = (await both()) as [HttpApp, HttpApp];
    const asked = [one.get('/value', host)];
    await until(() => calls.length === 1);
    for (let i = 0; i < 5; i++) asked.push(one.get('/value', host), other.get('/value', host));
    await arrived(one, 6);
    await arrived(other, 5);
    calls[0]!.answer.resolve({ is: 'shared' });
    expect(new Set(await texts(asked))).toEqual(new Set(['{"is":"shared"}']));
    expect(calls).toHaveLength(1);
  });

  it('who waits in the other instance is let go, too, when the response is for one client', async () => {
    personal = true;
    const [one, other] = (await both()) as [HttpApp, HttpApp];
    const asked = [one.get('/stream', host)];
    await until(() => calls.length === 1);
    asked.push(other.get('/stream', host));
    await arrived(other, 1);
    calls[0]!.stream.write('own');
    await until(() => calls.length === 2);
    for (const { stream } of calls) stream.end();
    expect(await texts(asked)).toEqual(['own', '']);
  });

  it.each<[string, (app: HttpApp) => Promise<unknown>]>([
    ['by a tag', (app) => app.cache.invalidateTags(['values'])],
    ['by its address', (app) => app.send('DELETE', '/value', host)],
  ])('an invalidation reaches both: %s', async (_, invalidate) => {
    const [one, other] = (await both()) as [HttpApp, HttpApp];
    const first = one.get('/value', host);
    await until(() => calls.length === 1);
    calls[0]!.answer.resolve('old');
    await first;
    expect((await other.get('/value', host)).text).toBe('old');
    await invalidate(one);
    const later = one.get('/value', host);
    await until(() => calls.length === 2);
    calls[1]!.answer.resolve('new');
    expect((await later).text).toBe('new');
    await until(async () => (await other.get('/value', host)).text === 'new');
    expect(calls).toHaveLength(2);
  });
});
