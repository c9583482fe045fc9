// What goes wrong: clients that go away, handlers that fail, requests and stored values that nobody should send.
import http from 'node:http';
import { Readable } from 'node:stream';
import {
  Controller,
  Get,
  type INestApplication,
  type LoggerService,
  Req,
  Res,
  StreamableFile,
  type Type,
} from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';

import {
  CacheResponse,
  type CacheResponseOptions,
  type HttpRequest,
  ResponseCacheModule,
} from '../../lib/http/index.js';
import { Exchange } from '../../lib/http/exchange.js';
import { resolveResponsePolicy } from '../../lib/http/response-policy.js';
import { canonicalQuery, Route } from '../../lib/http/route.js';
import { CacheManager } from '../../lib/index.js';
import { Deferred, failure, settle } from '../support/deferred.js';
import { until } from '../support/until.js';
import { ADAPTERS, type Answer, HttpApp, isHit, Said, type AnyResponse, rawOf } from './apps.js';

let calls = 0;

/** Returns what it is told to. */
function returning(options: CacheResponseOptions, answer: (request: HttpRequest) => unknown): Type {
  @Controller()
  class Returning {
    @Get('it')
    @CacheResponse({ ttl: '1h', scope: 'public', ...options })
    it(@Req() request: HttpRequest) {
      calls++;
      return answer(request);
    }
  }
  return Returning;
}

/** Writes by itself. */
function writing(
  options: CacheResponseOptions,
  write: (raw: http.ServerResponse, response: AnyResponse) => unknown,
): Type {
  @Controller()
  class Writing {
    @Get('it')
    @CacheResponse({ ttl: '1h', scope: 'public', ...options })
    it(@Res() response: AnyResponse) {
      calls++;
      return write(rawOf(response), response);
    }
  }
  return Writing;
}

describe.each(ADAPTERS)('on %s', (adapter) => {
  let app: HttpApp;
  const agents: http.ClientRequest[] = [];

  const start = async (controller: Type, logger: LoggerService | false = false): Promise<void> => {
    app = await HttpApp.start(adapter, [controller], {
      prepare: (nest: INestApplication) => nest.useLogger(logger),
    });
  };
  /** A client that may go away. */
  const client = (path: string): http.ClientRequest => {
    const request = http.get({ host: '127.0.0.1', port: app.port, path, agent: false });
    request.on('error', () => {});
    request.on('response', (response) => response.on('error', () => {}).resume());
    agents.push(request);
    return request;
  };
  /** Status and text; or that there was no whole answer. */
  const outcome = (answer: Promise<Answer>): Promise<string> =>
    answer.then(
      ({ status, text }) => `${status} ${text}`,
      () => 'cut off',
    );

  beforeEach(() => {
    calls = 0;
  });
  afterEach(async () => {
    for (const request of agents.splice(0)) request.destroy();
    app.app.getHttpServer().closeAllConnections();
    await app.close();
  });

  describe('bodies', () => {
    it('over the limit go out whole, and are not stored', async () => {
      await start(returning({ maxBodySize: 1000 }, () => `${calls}`.padEnd(calls === 3 ? 1000 : 1001, '.')));
      expect([(await app.get('/it')).text.length, (await app.get('/it')).text[0]]).toEqual([1001, '2']);
      expect(calls).toBe(2);
    });

    it('over the limit that come in pieces do not hold up those who wait', async () => {
      const last = new Deferred<void>();
      await start(
        writing({ maxBodySize: 1000 }, async (raw) => {
          const run = calls;
          raw.write(`${run}`.padEnd(600, '.'));
          raw.write('.'.repeat(600));
          if (run === 1) await last.promise;
          raw.end('end');
        }),
      );
      const first = app.get('/it');
      await until(() => calls === 1);
      // The first is not over yet.
      const others = await Promise.all([app.get('/it'), app.get('/it')]);
      expect(others.map(({ text }) => text.length)).toEqual([1203, 1203]);
      last.resolve();
      expect((await first).text).toHaveLength(1203);
      expect(isHit(await app.get('/it'))).toBe(false);
    });

    it('over the limit by what their head says are not begun to be kept', async () => {
      const rest = new Deferred<void>();
      await start(
        writing({ maxBodySize: 10 }, async (raw) => {
          raw.setHeader('Content-Length', 11);
          const run = calls;
          raw.write('12345');
          if (run === 1) await rest.promise;
          raw.end('678901');
        }),
      );
      const first = app.get('/it');
      await until(() => calls === 1);
      const others = await Promise.all([app.get('/it'), app.get('/it')]);
      rest.resolve();
      for (const { text, headers } of [await first, ...others]) {
        expect([text, headers['cache-status']]).toEqual([
          '12345678901',
          'nestjs-tiered-cache; fwd=uri-miss; detail=too-large',
        ]);
      }
    });

    it.each([
      ['shorter', 3],
      ['longer', 30],
    ])('%s than Content-Length said are not stored', async (_, length) => {
      for (const pieces of [false, true]) {
        calls = 0;
        await start(
          writing({}, (raw) => {
            raw.setHeader('Content-Length', 10);
            const right = calls === 3;
            const text = 'x'.repeat(right ? 10 : length);
            if (pieces) raw.write(text.slice(0, 2));
            raw.end(pieces ? text.slice(2) : text);
          }),
        );
        await outcome(app.get('/it'));
        await outcome(app.get('/it'));
        expect(await outcome(app.get('/it'))).toBe(`200 ${'x'.repeat(10)}`);
        expect(calls).toBe(3);
        expect(isHit(await app.get('/it'))).toBe(true);
        if (!pieces) await app.close();
      }
    });
  });

  it('of ranges that are broken, or not understood, nothing is made up', async () => {
    await start(returning({}, () => '0123456789'));
    const ask = async (range: string): Promise<string> => {
      const { status, text, headers } = await app.get('/it', { range });
      return [status, text, headers['content-range'] ?? ''].join(' ').trim();
    };
    const whole = '200 0123456789';
    for (let round = 0; round < 2; round++) {
      for (const range of [
        'bytes=5-2',
        'bytes=',
        'bytes=a-b',
        'lines=0-1',
        'bytes',
        'bytes=1 2-3',
        '=0-1',
        'bytes=--1',
        'bytes=0x1-2',
      ]) {
        expect([range, await ask(range)]).toEqual([range, whole]);
      }
      expect(await ask('bytes=0-0')).toBe('206 0 bytes 0-0/10');
      expect(await ask('bytes=8-99999999999999999999')).toBe('206 89 bytes 8-9/10');
      expect(await ask('bytes=10-')).toBe('416  bytes */10');
      expect(await ask('bytes=-0')).toBe('416  bytes */10');
      expect(await ask('bytes=99999999999999999999-')).toBe('416  bytes */10');
      expect(await ask('bytes=-99999999999999999999')).toContain('0123456789');
      expect(['200', '206']).toContain((await ask('bytes=0-0,2-3')).slice(0, 3));
    }
    expect(calls).toBe(1);
    expect(await outcome(app.get('/it'))).toBe(whole);
  });

  describe('clients that go away', () => {
    it('before the first byte do no harm to those who wait', async () => {
      const answers = [new Deferred<string>(), new Deferred<string>()];
      await start(returning({}, () => answers[calls - 1]!.promise));
      const leader = client('/it');
      await until(() => calls === 1);
      const waiting = [app.get('/it'), app.get('/it'), app.get('/it')].map(outcome);
      await until(async () => (await connections(app)) === 4);
      leader.destroy();
      await until(() => calls === 2);
      answers[1]!.resolve('whole');
      expect(await Promise.all(waiting)).toEqual(Array(3).fill('200 whole'));
      expect(calls).toBe(2);
      expect(isHit(await app.get('/it'))).toBe(true);
    });

    it('between pieces leave nothing truncated behind', async () => {
      const more = new Deferred<void>();
      let begun = 0;
      await start(
        writing({}, async (raw) => {
          const run = calls;
          raw.write('half ');
          begun = run;
          if (run === 1) await more.promise;
          raw.end('whole');
        }),
      );
      const leader = client('/it');
      await until(() => begun === 1);
      const waiting = outcome(app.get('/it'));
      await until(async () => (await connections(app)) === 2);
      leader.destroy();
      expect(await waiting).toBe('200 half whole');
      more.resolve();
      expect(await outcome(app.get('/it'))).toBe('200 half whole');
      expect(isHit(await app.get('/it'))).toBe(true);
      expect(calls).toBe(2);
    });

    it('do not have handlers run that nobody waits for, however many have waited', async () => {
      const never = new Deferred<string>();
      let isOpen = false;
      await start(returning({}, () => (isOpen ? 'there' : never.promise)));
      const clients = [client('/it')];
      await until(() => calls === 1);
      clients.push(client('/it'), client('/it'), client('/it'));
      await until(async () => (await connections(app)) === 4);
      for (const gone of clients.slice(1)) gone.destroy();
      await until(async () => (await connections(app)) === 1);
      clients[0]!.destroy();
      await until(async () => (await connections(app)) === 0);
      await settle();
      isOpen = true;
      expect(calls).toBe(1);
      expect(await outcome(app.get('/it'))).toBe('200 there');
      expect(calls).toBe(2);
      expect(isHit(await app.get('/it'))).toBe(true);
    });
  });

  describe('handlers that fail', () => {
    it('before they write are answered as without a cache, each time', async () => {
      await start(
        writing({}, () => {
          throw new Error('broken');
        }),
      );
      expect((await app.get('/it')).status).toBe(500);
      expect((await app.get('/it')).status).toBe(500);
      expect(calls).toBe(2);
    });

    it('after they have begun to write store nothing', async () => {
      await start(
        writing({}, (raw) => {
          raw.write('half');
          if (calls < 3) {
            raw.destroy();
            throw new Error('broken');
          }
          raw.end(' whole');
        }),
      );
      expect(await outcome(app.get('/it'))).toBe('cut off');
      expect(await outcome(app.get('/it'))).toBe('cut off');
      expect(await outcome(app.get('/it'))).toBe('200 half whole');
      expect(isHit(await app.get('/it'))).toBe(true);
    });

    async function* halves(fails: boolean): AsyncGenerator<Uint8Array> {
      yield Buffer.from('half');
      await Promise.resolve();
      if (fails) throw new Error('broken');
      yield Buffer.from(' whole');
    }

    it.each<[string, (fails: boolean) => unknown]>([
      ['a StreamableFile', (fails) => new StreamableFile(Readable.from(halves(fails)))],
      ['a web Response', (fails) => new Response(Readable.toWeb(Readable.from(halves(fails))) as never)],
      ['a generator', (fails) => halves(fails)],
    ])('in the middle of %s store nothing', async (_, stream) => {
      await start(returning({}, () => stream(calls < 3)));
      const failed = [await outcome(app.get('/it')), await outcome(app.get('/it'))];
      expect(failed.some((text) => text.includes('whole'))).toBe(false);
      expect(calls).toBe(2);
      expect(await outcome(app.get('/it'))).toBe('200 half whole');
      expect(isHit(await app.get('/it'))).toBe(true);
    });

    it.each<[string, CacheResponseOptions]>([
      ['key', { key: ({ user }) => (user as { id: string }).id }],
      ['a key that is none', { key: () => undefined as unknown as string }],
      ['identity', { scope: 'private', identity: ({ user }) => (user as { id: string }).id }],
    ])('in the options (%s) are answered 500, and nothing is stored', async (_, options) => {
      await start(returning(options, () => null));
      expect((await app.get('/it')).status).toBe(500);
      const both = await Promise.all([app.get('/it'), app.get('/it')]);
      expect(both.map(({ status }) => status)).toEqual([500, 500]);
    });

    const throwing = (what: unknown) => () => {
      throw what;
    };
    const many = (count: number) => () => Array.from({ length: count }, (_, i) => `post:${i}`);
    it.each<[string, CacheResponseOptions, string]>([
      ['throw', { tags: (_, result) => [(result as { id: string }).id] }, "reading 'id'"],
      ['throw what is no error', { tags: throwing(null) }, 'not known: null'],
      ['are none', { tags: () => [7] as unknown as string[] }, 'a tag must be'],
      ['are too many', { tags: many(129) }, 'too many'],
      ['are too many with that of the address', { tags: many(128) }, '129 tags are too many'],
    ])('in tags that %s are said once: the response is answered, and not stored', async (_, options, why) => {
      const said = new Said();
      await start(
        returning(options, () => null),
        said,
      );
      for (const run of [1, 2]) {
        const answer = await app.get('/it');
        expect([answer.status, answer.text, calls]).toEqual([200, adapter === 'express' ? '' : 'null', run]);
        expect(answer.headers['cache-status']).toBe('nestjs-tiered-cache; fwd=uri-miss; detail=tags');
      }
      expect(said.errors).toEqual([expect.stringMatching(/^a response of Returning\.it is not stored/)]);
      expect(said.errors[0]).toContain(why);
    });

    it('in tags of what a handler has written before it returns are no harm either', async () => {
      const tags = (_: HttpRequest, result: unknown) => [(result as { id: string }).id];
      await start(writing({ tags }, (raw) => raw.end('written')));
      expect((await app.get('/it')).text).toBe('written');
      expect([(await app.get('/it')).text, calls]).toEqual(['written', 2]);
    });

    it('127 tags are not too many', async () => {
      await start(returning({ tags: many(127) }, () => 'well'));
      await app.get('/it');
      expect(isHit(await app.get('/it'))).toBe(true);
      await app.cache.invalidateTags(['post:126']);
      expect(isHit(await app.get('/it'))).toBe(false);
    });
  });

  it.each<[string, CacheResponseOptions, string | undefined]>([
    ['a ttl of 0', { ttl: 0 }, undefined],
    ['no lifetime, and nothing to validate by', { freshness: 'origin' }, undefined],
    ['a lifetime that is over', { freshness: 'origin' }, 'max-age=0'],
  ])('a response with %s is not said to be stored, and nobody waits for it', async (_, options, control) => {
    const last = new Deferred<void>();
    await start(
      writing(options, async (raw) => {
        if (control !== undefined) raw.setHeader('Cache-Control', control);
        const run = calls;
        raw.write('some');
        if (run === 1) await last.promise;
        raw.end('thing');
      }),
    );
    const first = app.get('/it');
    await until(() => calls === 1);
    const others = [await app.get('/it'), await app.get('/it')];
    last.resolve();
    for (const { text, headers } of [await first, ...others]) {
      expect([text, headers['cache-status']]).toEqual([
        'something',
        'nestjs-tiered-cache; fwd=uri-miss; detail=no-freshness',
      ]);
    }
  });

  describe('requests', () => {
    it('with any number of parameters that are not listed have one response', async () => {
      await start(returning({ query: ['page'] }, () => `run ${calls}`));
      const entries = () => app.cache.stats().memory!.entries;
      await app.get('/it?page=1');
      const ofOne = entries();
      for (let i = 0; i < 300; i++)
        expect((await app.get(`/it?x${i}=${i}&page=1&y=${i}`)).text).toBe('run 1');
      expect(entries()).toBe(ofOne);
      expect((await app.get('/it?page=2')).text).toBe('run 2');
      expect(entries()).toBeGreaterThan(ofOne);
    });

    it.each([
      '?page=%',
      '?page=%ZZ',
      '?%=1',
      '?page=%FF',
      '?page=%00',
      '?&&&',
      '?=',
      '?page=1&page=',
      '?page[]=1',
      '?[page]=1',
    ])('%s are answered, from the store too', async (query) => {
      await start(returning({}, ({ originalUrl }) => originalUrl));
      expect((await app.get(`/it${query}`)).text).toBe(`/it${query}`);
      const again = await app.get(`/it${query}`);
      expect([again.text, isHit(again)]).toEqual([`/it${query}`, true]);
    });

    it.each([
      ['filter[status]', '?filter[status]=a&x=1', '?filter[status]=b&x=1', '?x=2&filter[status]=a'],
      ['a b', '?a+b=a', '?a%20b=b', '?a+b=a&x=2'],
      ['list[]', '?list[]=a', '?list[]=b', '?x=2&list[]=a'],
    ])('are told apart by the part of a parameter that is listed: %s', async (name, one, other, same) => {
      await start(returning({ query: [name] }, ({ originalUrl }) => originalUrl));
      const texts = [one, other, same].map(async (query) => (await app.get(`/it${query}`)).text);
      expect(await Promise.all(texts)).toEqual([`/it${one}`, `/it${other}`, `/it${one}`]);
    });

    it('whose query may begin in either of two places are not cached', async () => {
      @Controller()
      class Any {
        @Get('any/:id')
        @CacheResponse({ ttl: '1h', scope: 'public', query: ['page'] })
        any(@Req() { query }: HttpRequest) {
          return { page: String(query['page']) };
        }
      }
      // As Fastify 4 was without being asked.
      const routerOptions = { useSemicolonDelimiter: true };
      app = await HttpApp.start(
        adapter === 'fastify' ? new FastifyAdapter({ routerOptions } as object) : adapter,
        [Any],
      );
      for (const query of [';page=1?x=evil', ';page=1?x=1&a=2', ';?page=1']) {
        const { status, headers } = await app.get(`/any/1${query}`);
        expect([status, headers['cache-status']]).toEqual([200, 'nestjs-tiered-cache; fwd=bypass']);
      }
      const page = adapter === 'fastify' ? '1' : 'undefined';
      expect((await app.get('/any/1;page=1')).text).toBe(JSON.stringify({ page }));
      for (const query of [';page=1', '?page=1;x=2?']) {
        await app.get(`/any/1${query}`);
        expect(isHit(await app.get(`/any/1${query}`))).toBe(true);
      }
    });

    it('with a long query, or with more parameters than parsers read, are not cached', async () => {
      await start(returning({ query: ['page'] }, ({ query }) => String(query['page'])));
      const hiding = `/it?${'a&'.repeat(1000)}page=2`;
      for (const path of [`/it?page=${'x'.repeat(3000)}`, hiding]) {
        await app.get(path);
        expect(isHit(await app.get(path))).toBe(false);
      }
      expect((await app.get('/it?page=2')).text).toBe('2');
    });

    it('cannot put line breaks into the answers of others', async () => {
      await start(
        returning(
          { vary: ['X-Any'], tags: ({ query }) => [String(query['tag'])], tagField: 'Cache-Tag' },
          () => 'text',
        ),
      );
      for (const tag of ['a%0d%0aX-Evil:%201', 'a,b', 'a%20b', '%00', '%E2%98%83', '%22']) {
        for (let round = 0; round < 2; round++) {
          const { status, headers } = await app.get(`/it?tag=${tag}`);
          expect([tag, status, headers['x-evil'], headers['cache-tag']]).toEqual([tag, 200, undefined, tag === '%22' ? '"' : undefined]); // prettier-ignore
        }
      }
      for (const host of ['a b', 'a"b', '../..', '', 'a,b', 'x'.repeat(4000)]) {
        expect((await app.get('/it?tag=a', { host })).headers['x-evil']).toBeUndefined();
      }
    });
  });

  describe('stored values', () => {
    const good = {
      status: 200, fields: [['Content-Type', 'text/plain']], removed: [], selects: [], body: 'from the store', chunked: false,
      storedAt: Date.now(), initialAge: 0, freshFor: 3_600_000,
    }; // prettier-ignore
    let key = '';

    beforeEach(async () => {
      await start(returning({}, () => `run ${calls}`));
      const spy = jest.spyOn(app.cache, 'getOrSet');
      await app.get('/it');
      key = spy.mock.calls[0]![0];
      spy.mockRestore();
    });

    it('are served when they are responses', async () => {
      await app.cache.set(key, good, { ttl: '1h' });
      expect((await app.get('/it')).text).toBe('from the store');
    });

    it.each<[string, unknown]>([
      ['a text', 'text'],
      ['a number', 7],
      ['null', null],
      ['a list', [good]],
      ['an empty object', {}],
      ['CR and LF in a value', { ...good, fields: [['X-A', 'a\r\nX-Evil: 1']] }],
      ['CR and LF in a name', { ...good, fields: [['X-A\r\nX-Evil', '1']] }],
      ['CR and LF in one of the values', { ...good, fields: [['X-A', ['a', 'b\nX-Evil: 1']]] }],
      ['an empty name', { ...good, fields: [['', '1']] }],
      ['a number for a value', { ...good, fields: [['X-A', 1]] }],
      ['an object of fields', { ...good, fields: { 'X-A': '1' } }],
      ['a cookie', { ...good, fields: [['Set-Cookie', 'session=evil']] }],
      ['a framing of its own', { ...good, fields: [['Transfer-Encoding', 'chunked']] }],
      ['a huge status', { ...good, status: 99_999 }],
      ['an interim status', { ...good, status: 101 }],
      ['a status as text', { ...good, status: '200' }],
      ['no body', { ...good, body: undefined }],
      ['an object for a body', { ...good, body: { text: 'x' } }],
      ['no times', { ...good, storedAt: undefined }],
      ['no fields', { ...good, fields: undefined }],
      ['selectors that are none', { ...good, selects: [[1, 2]] }],
      ['removed that are none', { ...good, removed: [null] }],
    ])('are replaced when they are none: %s', async (_, value) => {
      await app.cache.set(key, value, { ttl: '1h' });
      const answer = await app.get('/it');
      expect([answer.status, answer.text]).toEqual([200, 'run 2']);
      expect(answer.headers['x-evil']).toBeUndefined();
      expect(answer.headers['set-cookie']).toBeUndefined();
      expect((await app.get('/it')).text).toBe('run 2');
    });
  });
});

describe('keys', () => {
  const routeOf = (options: CacheResponseOptions): Route =>
    new Route('Any.handler', {} as CacheManager, resolveResponsePolicy({ ttl: 1, ...options })!);
  const exchangeOf = (originalUrl: string): Exchange =>
    new Exchange(
      {
        method: 'GET',
        originalUrl,
        url: originalUrl,
        headers: { host: 'a' },
        params: {},
        query: {},
      } as HttpRequest,
      { getHeaders: () => ({}), removeHeader: () => undefined },
    );

  it('100,000 queries that differ by what is not listed are one', () => {
    const route = routeOf({ query: ['page'] });
    const keys = new Set<string | undefined>();
    for (let i = 0; i < 100_000; i++) keys.add(route.keyOf(exchangeOf(`/it?_=${i}&page=1&utm_${i}=x`)));
    expect(keys.size).toBe(1);
    expect([...keys][0]).toEqual(expect.any(String));
  });

  it.each([
    ['[page]=1', ['page']],
    ['[page][x]=1', ['page']],
    ['%5Bpage%5D=1', ['page']],
    ['pa%67e=1', ['page']],
    ['page[]=1', ['page']],
    ['page[x]=1', ['page']],
    ['page%5Bx%5D=1', ['page']],
    ['+page=1', [' page']],
  ])('%s counts as what those read it as who parse it', (query, names) => {
    expect(canonicalQuery(query, new Set(names))).toBe(query);
    expect(canonicalQuery(query, new Set(['other']))).toBe('');
  });

  it('no part can be taken for another', () => {
    const keys = [
      '/a?b=1',
      '/a?b=1&',
      '/a%3Fb=1',
      '/a/b=1',
      '/a?b=1&b=2',
      '/a?b=2&b=1',
      '/a?b',
      '/a?b=',
      '/A?b=1',
      '/a?B=1',
    ].map((url) => routeOf({}).keyOf(exchangeOf(url)));
    // An empty parameter is none.
    expect(keys[1]).toBe(keys[0]);
    expect(new Set(keys).size).toBe(keys.length - 1);
  });
});

describe('options', () => {
  const WRONG: [string, unknown][] = [
    ['ttl', { ttl: 'soon' }],
    ['ttl', { ttl: -1 }],
    ['scope', { ttl: 1, scope: 'secret' }],
    ['identity', { ttl: 1, scope: 'private', identity: 'id' }],
    ['identity', { ttl: 1, scope: 'public', identity: () => 'x' }],
    ['tags', { ttl: 1, tags: 'a' }],
    ['tag', { ttl: 1, tags: [''] }],
    ['query', { ttl: 1, query: 'page' }],
    ['query', { ttl: 1, query: [1] }],
    ['vary', { ttl: 1, vary: ['*\r\n'] }],
    ['vary', { ttl: 1, vary: 'accept' }],
    ['hosts', { ttl: 1, hosts: ['http://a'] }],
    ['key', { ttl: 1, key: 'a' }],
    ['staleWhileRevalidate', { ttl: 1, staleWhileRevalidate: {} }],
    ['staleIfError', { ttl: 1, staleIfError: 'x' }],
    ['negativeTtl', { ttl: 1, negativeTtl: 'x' }],
    ['jitter', { ttl: 1, jitter: 2 }],
    ['refreshAhead', { ttl: 1, refreshAhead: 'x' }],
    ['tiers', { ttl: 1, tiers: ['disk'] }],
    ['maxBodySize', { ttl: 1, maxBodySize: 'big' }],
    ['maxAge', { ttl: 1, maxAge: 'x' }],
    ['sharedMaxAge', { ttl: 1, sharedMaxAge: 'x' }],
    ['tagField', { ttl: 1, tagField: 'X-Tags' }],
    ['freshness', { ttl: 1, freshness: 'both' }],
    ['type', { ttl: 1, type: 'x' }],
    ['cache', { ttl: 1, cache: 7 }],
    ['tll', { tll: 1 }],
    ['object', null],
    ['object', 7],
    ['object', []],
  ];

  it.each(WRONG)('%s: %j is refused when the class is defined, and by the module', (name, options) => {
    const expected = { message: expect.stringContaining(name), code: expect.stringMatching(/^CACHE_/) };
    expect(errorOf(() => CacheResponse(options as CacheResponseOptions)(class Any {}))).toMatchObject({
      ...expected,
      code: 'CACHE_DECORATOR_INVALID',
    });
    expect(errorOf(() => ResponseCacheModule.forRoot(options as CacheResponseOptions))).toMatchObject({
      ...expected,
      code: 'CACHE_CONFIG_INVALID',
    });
  });

  it.each(ADAPTERS)("scope 'private' without identity fails at start, on %s", async (adapter) => {
    const error = await failure(HttpApp.start(adapter, [returning({ scope: 'private' }, () => 1)]));
    expect(error).toMatchObject({
      code: 'CACHE_CONFIG_INVALID',
      message: expect.stringContaining('identity'),
    });
  });

  it.each(ADAPTERS)('a cache that is not there fails at start, on %s', async (adapter) => {
    const error = await failure(HttpApp.start(adapter, [returning({ cache: 'other' }, () => 1)]));
    expect(error).toMatchObject({ code: 'CACHE_CONFIG_INVALID', message: expect.stringContaining('other') });
  });
});

function errorOf(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

function connections({ app }: HttpApp): Promise<number> {
  return new Promise((resolve, reject) => {
    (app.getHttpServer() as http.Server).getConnections((error, count) =>
      error ? reject(error) : resolve(count),
    );
  });
}
