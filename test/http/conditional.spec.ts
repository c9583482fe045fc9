// Clients that have something already, want a part, or say what they like; and responses that say themselves how long they live.
import { Controller, Get, Header, NotFoundException, Req, Res, StreamableFile } from '@nestjs/common';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { CacheResponse } from '../../lib/http/index.js';
import type { Bench } from '../support/caches.js';
import { Deferred } from '../support/deferred.js';
import { until } from '../support/until.js';
import { type AnyResponse, ADAPTERS, type Answer, comparable, type HttpApp, isHit, Said } from './apps.js';
import { closeTimedApps, timedApp } from './timed-apps.js';

interface AnyRequest {
  headers: Record<string, string | undefined>;
}

/** What a handler answers. */
interface Reply {
  readonly status?: number;
  readonly body?: string;
  readonly headers?: Record<string, string>;
}

let calls = 0;
/** The next answers; the last one stays. */
let replies: Reply[] = [];
let asked: AnyRequest['headers'][] = [];
let gate: Deferred<void> | undefined;

beforeEach(() => {
  calls = 0;
  replies = [{}];
  asked = [];
  gate = undefined;
});

@Controller()
class Pages {
  @Get('text')
  @CacheResponse({ ttl: '1h', scope: 'public' })
  @Header('Content-Type', 'text/plain')
  text() {
    calls++;
    return '0123456789';
  }
  @Get('dated')
  @CacheResponse({ ttl: '1h', scope: 'public' })
  @Header('Last-Modified', 'Tue, 01 Sep 2026 10:00:00 GMT')
  @Header('Date', 'Wed, 02 Sep 2026 10:00:00 GMT')
  @Header('Content-Language', 'en')
  @Header('X-Own', 'yes')
  dated() {
    calls++;
    return 'dated';
  }
  @Get('tagged')
  @CacheResponse({ ttl: '1h', scope: 'public' })
  @Header('ETag', 'W/"own"')
  tagged() {
    calls++;
    return 'tagged';
  }
  @Get('unstored')
  @CacheResponse({ ttl: '1h', scope: 'public' })
  @Header('Cache-Control', 'private')
  @Header('ETag', '"own"')
  @Header('Last-Modified', 'Tue, 01 Sep 2026 10:00:00 GMT')
  unstored() {
    return `${++calls}`;
  }
  @Get('parts')
  @CacheResponse({ ttl: '1h', scope: 'public' })
  parts(@Req() { headers }: AnyRequest, @Res({ passthrough: true }) response: AnyResponse) {
    calls++;
    if (headers['range'] !== 'bytes=0-1') return '0123456789';
    response.status(206);
    (response.raw ?? response).setHeader('Content-Range', 'bytes 0-1/10');
    return '01';
  }
  @Get('stream')
  @CacheResponse({ ttl: '1h', scope: 'public' })
  stream() {
    calls++;
    return new StreamableFile(Readable.from([Buffer.from('01234'), Buffer.from('56789')]));
  }
  @Get('missing')
  @CacheResponse({ ttl: '1h', negativeTtl: '1h', scope: 'public' })
  missing() {
    calls++;
    throw new NotFoundException();
  }
  @Get('language')
  @CacheResponse({ ttl: '1h', scope: 'public' })
  @Header('Vary', 'Accept-Language')
  language(@Req() { headers }: AnyRequest) {
    return { run: ++calls, language: headers['accept-language'] ?? null };
  }
  @Get('several')
  @CacheResponse({ ttl: '1h', scope: 'public' })
  @Header('Vary', 'X-A, X-B')
  several(@Req() { headers }: AnyRequest) {
    return { run: ++calls, a: headers['x-a'] ?? null, b: headers['x-b'] ?? null };
  }
  @Get('declared')
  @CacheResponse({ ttl: '1h', scope: 'public', vary: ['X-A'] })
  declared(@Req() { headers }: AnyRequest) {
    return { run: ++calls, a: headers['x-a'] ?? null };
  }
}

async function replyTo(headers: AnyRequest['headers'], response: AnyResponse): Promise<string> {
  calls++;
  asked.push({ ...headers });
  const {
    status = 200,
    body = `run ${calls}`,
    headers: own = {},
  } = replies.length > 1 ? replies.shift()! : replies[0]!;
  await gate?.promise;
  response.status(status);
  for (const [name, value] of Object.entries(own)) (response.raw ?? response).setHeader(name, value);
  return status === 304 ? '' : body;
}

@Controller()
class Origin {
  @Get('origin')
  @CacheResponse({ freshness: 'origin' })
  origin(@Req() { headers }: AnyRequest, @Res({ passthrough: true }) response: AnyResponse) {
    return replyTo(headers, response);
  }
  @Get('origin-with-options')
  @CacheResponse({ freshness: 'origin', staleWhileRevalidate: 60, refreshAhead: 0.1 })
  withOptions(@Req() { headers }: AnyRequest, @Res({ passthrough: true }) response: AnyResponse) {
    return replyTo(headers, response);
  }
}

const ETAG = /^"[\w+/=-]{16,}"$/;

describe.each(ADAPTERS)('on %s', (adapter) => {
  let app: HttpApp;
  let bench: Bench;
  const said = new Said();
  const start = async (prepare?: (app: HttpApp['app']) => unknown) => {
    ({ app, bench } = await timedApp(adapter, [Pages, Origin], {
      logger: said,
      ...(prepare && { prepare }),
    }));
  };
  const seconds = (count: number) => bench.clock.advance(count * 1_000);
  afterEach(closeTimedApps);

  describe('If-None-Match', () => {
    it('is answered by a strong tag of the bytes, the same on a hit, and 304', async () => {
      await start();
      const miss = await app.get('/text');
      const etag = String(miss.headers.etag);
      expect(etag).toMatch(ETAG);
      const hit = await app.get('/text', { 'if-none-match': etag });
      expect([hit.status, hit.text, hit.headers.etag]).toEqual([304, '', etag]);
      expect(isHit(hit)).toBe(true);
      expect(calls).toBe(1);
    });

    it('is answered with 304 on a miss, too, and all of the response is stored', async () => {
      await start();
      const etag = String((await app.get('/text')).headers.etag);
      await app.cache.clear();
      const miss = await app.get('/text', { 'if-none-match': etag });
      expect([miss.status, miss.text, isHit(miss), calls]).toEqual([304, '', false, 2]);
      expect((await app.get('/text')).text).toBe('0123456789');
      expect(calls).toBe(2);
    });

    it.each<[string, (etag: string) => string, number]>([
      ['weak', (etag) => `W/${etag}`, 304],
      ['in a list', (etag) => `"other", ${etag}`, 304],
      ['anything', () => '*', 304],
      ['another', () => '"other"', 200],
      ['malformed', (etag) => etag.replaceAll('"', ''), 200],
    ])('%s', async (_, make, status) => {
      await start();
      const etag = String((await app.get('/text')).headers.etag);
      const hit = await app.get('/text', { 'if-none-match': make(etag) });
      expect([hit.status, hit.text]).toEqual([status, status === 304 ? '' : '0123456789']);
      expect(calls).toBe(1);
    });

    it('of a tag of the handler, which stays', async () => {
      await start();
      expect((await app.get('/tagged')).headers.etag).toBe('W/"own"');
      const { status, headers } = await app.get('/tagged', { 'if-none-match': '"own"' });
      expect([status, headers.etag, calls]).toEqual([304, 'W/"own"', 1]);
    });

    it.each([
      ['if-none-match', 'W/"own"', '"other"'],
      ['if-modified-since', 'Tue, 01 Sep 2026 10:00:00 GMT', 'Tue, 01 Sep 2026 09:59:59 GMT'],
    ])('is answered with 304 where nothing is stored, too: %s', async (name, known, other) => {
      await start();
      const { status, text, headers } = await app.get('/unstored', { [name]: known });
      expect([status, text, headers['content-type'], headers.etag]).toEqual([304, '', undefined, '"own"']);
      expect(headers['cache-status']).toBe('nestjs-tiered-cache; fwd=uri-miss; detail=private');
      const whole = await app.get('/unstored', { [name]: other });
      expect([whole.status, whole.text]).toEqual([200, '2']);
    });

    it('does not turn a 404 into a 304', async () => {
      await start();
      for (let i = 0; i < 2; i++)
        expect((await app.get('/missing', { 'if-none-match': '*' })).status).toBe(404);
      expect(calls).toBe(1);
    });

    it('of a stream that is stored: 304, and the miss is whole', async () => {
      await start();
      expect((await app.get('/stream', { 'if-none-match': '*' })).text).toBe('0123456789');
      expect((await app.get('/stream', { 'if-none-match': '*' })).status).toBe(304);
      expect(calls).toBe(1);
    });
  });

  describe('If-Modified-Since', () => {
    it.each([
      ['Tue, 01 Sep 2026 10:00:00 GMT', 304],
      ['Tue, 01 Sep 2026 10:00:01 GMT', 304],
      ['Tue, 01 Sep 2026 09:59:59 GMT', 200],
      ['yesterday', 200],
    ])('%s: %i', async (since, status) => {
      await start();
      await app.get('/dated');
      expect((await app.get('/dated', { 'if-modified-since': since })).status).toBe(status);
      expect(calls).toBe(1);
    });

    it('does not count beside If-None-Match', async () => {
      await start();
      await app.get('/dated');
      const since = 'Tue, 01 Sep 2026 10:00:00 GMT';
      expect((await app.get('/dated', { 'if-modified-since': since, 'if-none-match': '"no"' })).status).toBe(
        200,
      );
    });
  });

  it('a 304 says what concerns the copy of the client, and nothing of a body', async () => {
    await start();
    const whole = await app.get('/dated');
    const { headers } = await app.get('/dated', { 'if-none-match': String(whole.headers.etag) });
    for (const name of ['etag', 'last-modified', 'cache-control'])
      expect(headers[name]).toBe(whole.headers[name]);
    for (const name of ['content-type', 'content-length', 'content-language', 'transfer-encoding'])
      expect(headers[name]).toBeUndefined();
  });

  it.each(['text', 'dated', 'stream'])('HEAD of what is stored has its head: %s', async (path) => {
    await start();
    const { status, fields } = comparable(await app.get(`/${path}`)) as { status: number; fields: string[] };
    const head = await app.send('HEAD', `/${path}`);
    const length = (name: string) => !name.startsWith('transfer-encoding');
    const own = comparable(head) as { fields: string[] };
    expect({ ...own, fields: own.fields.filter(length) }).toEqual({
      status,
      fields: fields.filter(length),
      bytes: '',
    });
    expect([isHit(head), calls]).toEqual([true, 1]);
    const etag = head.headers.etag;
    if (etag !== undefined)
      expect((await app.send('HEAD', `/${path}`, { 'if-none-match': etag })).status).toBe(304);
  });

  it('HEAD of what is not stored runs the handler, and stores nothing', async () => {
    await start();
    for (const run of [1, 2]) {
      const { status, text, headers } = await app.send('HEAD', '/text');
      expect([status, text, headers['content-type'], calls]).toEqual([200, '', expect.stringContaining('text/plain'), run]); // prettier-ignore
    }
    expect(isHit(await app.get('/text'))).toBe(false);
  });

  it.each(['text', 'dated', 'tagged', 'stream', 'declared', 'missing'])(
    'HEAD of what is not stored has the head of the GET, but for a tag of bytes that are not there: %s',
    async (path) => {
      await start();
      const head = await app.send('HEAD', `/${path}`);
      const get = await app.get(`/${path}`);
      expect([head.status, head.text]).toEqual([get.status, '']);
      expect(head.headers['cache-status']).toBe('nestjs-tiered-cache; fwd=uri-miss; detail=head');
      for (const name of ['cache-control', 'vary', 'content-type', 'content-language', 'last-modified'])
        expect([name, head.headers[name]]).toEqual([name, get.headers[name]]);
      expect(head.headers.etag).toBe(path === 'tagged' ? 'W/"own"' : undefined);
    },
  );

  describe('Range', () => {
    const stored = async (range: string, more = {}): Promise<Answer> => {
      await start();
      await app.get('/text');
      return app.get('/text', { range, ...more });
    };

    it.each([
      ['bytes=0-3', '0123', 'bytes 0-3/10'],
      ['bytes=7-', '789', 'bytes 7-9/10'],
      ['bytes=-2', '89', 'bytes 8-9/10'],
      ['bytes=5-99', '56789', 'bytes 5-9/10'],
    ])('%s: a part', async (range, text, contentRange) => {
      const part = await stored(range);
      expect([part.status, part.text, part.headers['content-range'], part.headers['content-length']]).toEqual(
        [206, text, contentRange, String(text.length)],
      );
      expect(isHit(part)).toBe(true);
      // What is stored is still whole.
      expect((await app.get('/text')).text).toBe('0123456789');
      expect(calls).toBe(1);
    });

    it('of a miss is a part of what is stored whole', async () => {
      await start();
      const part = await app.get('/text', { range: 'bytes=0-3' });
      expect([part.status, part.text]).toEqual([206, '0123']);
      const whole = await app.get('/text');
      expect([whole.status, whole.text, isHit(whole)]).toEqual([200, '0123456789', true]);
    });

    it('of a handler that gives parts itself is its own, until the whole is stored', async () => {
      await start();
      const told = async (range?: string) => {
        const { status, text, headers } = await app.get('/parts', range === undefined ? {} : { range });
        return [status, text, headers['content-range'], headers['cache-status']];
      };
      const miss = 'nestjs-tiered-cache; fwd=uri-miss; detail=status';
      expect(await told('bytes=0-1')).toEqual([206, '01', 'bytes 0-1/10', miss]);
      expect((await told())[1]).toBe('0123456789');
      expect((await told('bytes=0-1')).slice(0, 3)).toEqual([206, '01', 'bytes 0-1/10']);
      expect(calls).toBe(2);
    });

    it.each(['bytes=10-', 'bytes=-0'])('%s: not there', async (range) => {
      const { status, text, headers } = await stored(range);
      expect([status, text, headers['content-range']]).toEqual([416, '', 'bytes */10']);
    });

    it.each(['bytes=3-1', 'bytes=a-b', 'lines=1-2', 'bytes=0-1,3-4', ''])(
      "'%s': all of it",
      async (range) => {
        const { status, text } = await stored(range);
        expect([status, text]).toEqual([200, '0123456789']);
      },
    );

    it('with If-Range: a part of the same, else all', async () => {
      await start();
      const etag = String((await app.get('/text')).headers.etag);
      const ask = async (condition: string) =>
        (await app.get('/text', { range: 'bytes=0-3', 'if-range': condition })).status;
      expect([await ask(etag), await ask('"other"'), await ask(`W/${etag}`)]).toEqual([206, 200, 200]);
      await app.get('/dated');
      const since = async (date: string) =>
        (await app.get('/dated', { range: 'bytes=0-1', 'if-range': date })).status;
      expect(await since('Tue, 01 Sep 2026 10:00:00 GMT')).toBe(206);
      expect(await since('Tue, 01 Sep 2026 10:00:01 GMT')).toBe(200);
    });
  });

  it('conditions that only the handler can judge are left to it', async () => {
    await start();
    await app.get('/text');
    const { headers } = await app.get('/text', { 'if-match': '"x"' });
    expect([headers['cache-status'], calls]).toEqual(['nestjs-tiered-cache; fwd=bypass', 2]);
  });

  if (adapter === 'express') {
    it.each([false, 'weak', 'strong'])("whatever Express' own etag is: %s", async (setting) => {
      await start((nest) =>
        (nest as unknown as { set(name: string, value: unknown): void }).set('etag', setting),
      );
      const miss = await app.get('/text');
      expect(miss.headers.etag).toMatch(ETAG);
      expect(comparable(await app.get('/text'))).toEqual(comparable(miss));
    });
  }

  describe('Vary', () => {
    const json = async (path: string, headers = {}) =>
      JSON.parse((await app.get(path, headers)).text) as unknown;

    it('is learned: each language has a response of its own', async () => {
      await start();
      const [de, fr] = [{ 'accept-language': 'de' }, { 'accept-language': 'fr' }];
      expect(await json('/language', de)).toEqual({ run: 1, language: 'de' });
      expect(await json('/language', fr)).toEqual({ run: 2, language: 'fr' });
      for (let i = 0; i < 2; i++) {
        expect(await json('/language', de)).toMatchObject({ language: 'de' });
        expect(await json('/language', fr)).toMatchObject({ language: 'fr' });
      }
      const before = calls;
      for (const one of [de, fr, de]) expect(isHit(await app.get('/language', one))).toBe(true);
      expect(calls).toBe(before);
      expect(before).toBeLessThanOrEqual(3);
    });

    it('tells nothing from an empty value', async () => {
      await start();
      for (const headers of [{}, { 'accept-language': '' }, {}, { 'accept-language': '' }]) {
        const language = 'accept-language' in headers ? '' : null;
        expect(await json('/language', headers)).toMatchObject({ language });
      }
    });

    it('by several fields', async () => {
      await start();
      const kinds = [{}, { 'x-a': '1' }, { 'x-b': '1' }, { 'x-a': '1', 'x-b': '1' }, { 'x-a': '1, 1' }];
      for (let i = 0; i < 3; i++) {
        for (const kind of kinds) {
          const { 'x-a': a = null, 'x-b': b = null } = kind as Record<string, string>;
          expect(await json('/several', kind)).toMatchObject({ a, b });
        }
      }
      for (const kind of kinds) expect(isHit(await app.get('/several', kind))).toBe(true);
      // Space around commas does not count, nor do other fields.
      expect(isHit(await app.get('/several', { 'x-a': '1,1', 'x-c': '1' }))).toBe(true);
    });

    it('that is declared, and told', async () => {
      await start();
      expect(await json('/declared', { 'x-a': '1' })).toEqual({ run: 1, a: '1' });
      expect(await json('/declared', { 'x-a': '2' })).toEqual({ run: 2, a: '2' });
      expect(await json('/declared', { 'x-a': '1' })).toEqual({ run: 1, a: '1' });
      expect((await app.get('/declared', { 'x-a': '1' })).headers['vary']).toBe('X-A');
    });
  });

  describe("freshness: 'origin'", () => {
    const get = (headers = {}) => app.get('/origin', headers);
    const control = (value: string, more: Record<string, string> = {}): Reply => ({
      headers: { 'Cache-Control': value, ...more },
    });
    /** The text, and whether it is a hit. */
    const told = async (headers = {}) => {
      const answer = await get(headers);
      return [answer.status, answer.text, isHit(answer)];
    };
    const httpDate = (offset: number) => new Date(Date.now() + offset * 1000).toUTCString();

    it('max-age', async () => {
      await start();
      replies = [control('max-age=10')];
      const miss = await get();
      expect(miss.headers['cache-status']).toBe('nestjs-tiered-cache; fwd=uri-miss; stored');
      seconds(9);
      const hit = await get();
      expect([hit.text, hit.headers.age, hit.headers['cache-control'], hit.headers['cache-status']]).toEqual([
        'run 1',
        '9',
        'max-age=10',
        'nestjs-tiered-cache; hit; ttl=1',
      ]);
      seconds(1);
      expect(await told()).toEqual([200, 'run 2', false]);
    });

    it('s-maxage over max-age', async () => {
      await start();
      replies = [control('max-age=10, s-maxage=100')];
      await get();
      seconds(50);
      expect(await told()).toEqual([200, 'run 1', true]);
      seconds(50);
      expect(await told()).toEqual([200, 'run 2', false]);
    });

    it('Expires', async () => {
      await start();
      replies = [{ headers: { Expires: httpDate(100), Date: httpDate(0) } }];
      await get();
      seconds(99);
      expect(await told()).toEqual([200, 'run 1', true]);
      seconds(1);
      expect(await told()).toEqual([200, 'run 2', false]);
    });

    it('Age on arrival', async () => {
      await start();
      replies = [control('max-age=100', { Age: '60' })];
      await get();
      seconds(39);
      const hit = await get();
      expect([hit.text, hit.headers.age]).toEqual(['run 1', '99']);
      seconds(1);
      expect(await told()).toEqual([200, 'run 2', false]);
    });

    it('nothing that says how long: the handler runs each time', async () => {
      await start();
      expect([await told(), await told()]).toEqual([
        [200, 'run 1', false],
        [200, 'run 2', false],
      ]);
    });

    it('no-cache is validated, and a 304 brings what is stored up to date', async () => {
      await start();
      replies = [
        control('no-cache', { ETag: '"1"', 'X-Kept': 'a', 'X-New': 'a' }),
        { status: 304, headers: { ETag: '"1"', 'Cache-Control': 'max-age=10', 'X-New': 'b' } },
        { body: 'another' },
      ];
      await get();
      const validated = await get();
      expect([
        validated.status,
        validated.text,
        validated.headers['x-kept'],
        validated.headers['x-new'],
      ]).toEqual([200, 'run 1', 'a', 'b']);
      expect(asked.map((headers) => headers['if-none-match'])).toEqual([undefined, '"1"']);
      const hit = await get();
      expect([hit.text, hit.headers['x-new'], isHit(hit)]).toEqual(['run 1', 'b', true]);
      seconds(10);
      expect(await told()).toEqual([200, 'another', false]);
    });

    it('validation for a client that has it: 304; what has changed replaces what is stored', async () => {
      await start();
      replies = [
        control('no-cache', { ETag: '"1"' }),
        { status: 304, headers: { ETag: '"1"' } },
        control('no-cache', { ETag: '"2"' }),
        { status: 304, headers: { ETag: '"2"' } },
      ];
      await get();
      expect(await told({ 'if-none-match': '"1"' })).toEqual([304, '', false]);
      expect(await told({ 'if-none-match': '"1"' })).toEqual([200, 'run 3', false]);
      expect(await told()).toEqual([200, 'run 3', false]);
      expect(asked.map((headers) => headers['if-none-match'])).toEqual([undefined, '"1"', '"1"', '"2"']);
    });

    it('several who validate at once do not undo each other', async () => {
      await start();
      replies = [control('no-cache', { ETag: '"1"' }), { status: 304, headers: { ETag: '"1"' } }];
      await get();
      gate = new Deferred();
      const answers = [get(), get(), get()];
      await until(() => calls === 4);
      gate.resolve();
      for (const { text } of await Promise.all(answers)) expect(text).toBe('run 1');
      expect(await told()).toEqual([200, 'run 1', false]);
      expect(asked.at(-1)!['if-none-match']).toBe('"1"');
    });

    it('stale-while-revalidate', async () => {
      await start();
      replies = [control('max-age=10, stale-while-revalidate=60')];
      await get();
      seconds(20);
      gate = new Deferred();
      for (let i = 0; i < 3; i++) expect(await told()).toEqual([200, 'run 1', true]);
      gate.resolve();
      await until(async () => (await told())[1] === 'run 2');
      expect(calls).toBe(2);
      seconds(71);
      expect(await told()).toEqual([200, 'run 3', false]);
    });

    it('a refresh that fails is said', async () => {
      await start();
      replies = [control('max-age=10, stale-while-revalidate=60')];
      await get();
      seconds(20);
      gate = new Deferred();
      gate.promise.catch(() => {});
      expect((await get()).text).toBe('run 1');
      gate.reject(new RangeError('secret'));
      await until(() => said.errors.some((error) => error.includes('refreshed')));
      expect(said.errors.at(-1)).toBe(
        'a response of Origin.origin could not be refreshed in the background: it threw a RangeError',
      );
    });

    it.each([500, 502, 503, 504])('stale-if-error: %i', async (status) => {
      await start();
      replies = [control('max-age=10, stale-if-error=60'), { status }];
      await get();
      seconds(20);
      const stale = await get();
      expect([stale.status, stale.text, stale.headers.age]).toEqual([200, 'run 1', '20']);
      expect(stale.headers['cache-status']).toBe(`nestjs-tiered-cache; fwd=stale; fwd-status=${status}`);
      seconds(51);
      expect((await get()).status).toBe(status);
    });

    it('must-revalidate allows nothing stale', async () => {
      await start();
      replies = [
        control('max-age=10, must-revalidate, stale-if-error=60, stale-while-revalidate=60'),
        { status: 503 },
      ];
      await get();
      seconds(20);
      expect((await get()).status).toBe(503);
    });

    it.each(['max-age=10', 'max-age=10, must-revalidate'])(
      'options make nothing of it stale: %s',
      async (value) => {
        await start();
        replies = [control(value)];
        await app.get('/origin-with-options');
        seconds(20);
        expect((await app.get('/origin-with-options')).text).toBe('run 2');
      },
    );

    it('what clients ask for: only-if-cached, no-cache, max-age, max-stale', async () => {
      await start();
      replies = [control('max-age=10')];
      expect((await get({ 'cache-control': 'only-if-cached' })).status).toBe(504);
      expect(calls).toBe(0);
      await get();
      expect(await told({ 'cache-control': 'only-if-cached' })).toEqual([200, 'run 1', true]);
      expect(await told({ 'cache-control': 'no-cache' })).toEqual([200, 'run 2', false]);
      seconds(5);
      expect(await told({ 'cache-control': 'max-age=5' })).toEqual([200, 'run 3', false]);
      expect(await told()).toEqual([200, 'run 3', true]);
      expect(await told({ 'cache-control': 'no-store' })).toEqual([200, 'run 4', false]);
      expect(await told()).toEqual([200, 'run 3', true]);
    });

    it.each(['private, max-age=10', 'no-store, max-age=10'])('%s is not stored', async (value) => {
      await start();
      replies = [control(value)];
      expect([await told(), await told()]).toEqual([
        [200, 'run 1', false],
        [200, 'run 2', false],
      ]);
    });
  });
});
