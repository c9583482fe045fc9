// What docs/responses.md says, tried.
import { gunzipSync } from 'node:zlib';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { afterEach, describe, expect, it } from '@jest/globals';
import compression from 'compression';

import { ResponseCacheInterceptor, ResponseCacheModule } from '../../lib/http/index.js';
import { until } from '../support/until.js';
import { ADAPTERS, type Answer, HttpApp, isHit } from './apps.js';
import { All, Plain, Products, ProductsService, state } from './guide-app.js';

type Options = Parameters<typeof HttpApp.start>[2];
const running: HttpApp[] = [];
afterEach(async () => {
  state.broken = false;
  await Promise.all(running.splice(0).map((app) => app.close()));
});

const said = ({ headers }: Answer): string =>
  String(headers['cache-status']).replace('nestjs-tiered-cache; ', '');

describe.each(ADAPTERS)('on %s', (adapter) => {
  async function start(options: Options = {}) {
    const http = await HttpApp.start(adapter, [Products, All, Plain], {
      ...options,
      providers: [ProductsService, ...(options.providers ?? [])],
    });
    running.push(http);
    const hits = async (path: string, headers = {}): Promise<boolean> => isHit(await http.get(path, headers));
    const twice = async (path: string, headers = {}) =>
      [await http.get(path, headers), await http.get(path, headers)] as const;
    return { http, hits, twice };
  }

  it('in five minutes', async () => {
    const { http, hits, twice } = await start();
    const [miss, hit] = await twice('/products/1');
    expect(said(miss)).toBe('fwd=uri-miss; stored');
    expect(said(hit)).toMatch(/^hit; ttl=(299|300)$/);
    expect(hit.headers).toMatchObject({
      age: '0',
      'cache-control': 'no-cache',
      etag: expect.stringMatching(/^"/),
    });
    expect(hit.headers['cache-groups']).toBe('"product:1"');
    expect(hit.text).toBe(miss.text);
    await twice('/products?page=2');
    await http.send('PUT', '/products/1');
    expect([await hits('/products/1'), await hits('/products?page=2'), await hits('/products/2')]).toEqual([
      false,
      false,
      false,
    ]);
    const before = state.calls;
    const fifty = await Promise.all(Array.from({ length: 50 }, () => http.get('/products/3')));
    expect(new Set(fifty.map(({ text }) => text)).size).toBe(1);
    expect(state.calls).toBe(before + 1);
  });

  it('where: a controller, all of an application, and not', async () => {
    const global: Options = {
      imports: [ResponseCacheModule.forRoot({ ttl: '1m' })],
      providers: [{ provide: APP_INTERCEPTOR, useClass: ResponseCacheInterceptor }],
    };
    const [one, all] = [await start(), await start(global)];
    for (const { http, twice } of [one, all]) {
      expect(isHit((await twice('/all'))[1])).toBe(true);
      expect((await twice('/all/fresh'))[1].headers['cache-status']).toBeUndefined();
      await http.send('PUT', '/all');
      expect(isHit(await http.get('/all'))).toBe(false);
    }
    expect(isHit((await one.twice('/plain'))[1])).toBe(false);
    expect(isHit((await all.twice('/plain'))[1])).toBe(true);
    await all.http.send('PUT', '/plain');
    expect(await all.hits('/plain')).toBe(false);
  });

  it('whose a response is', async () => {
    const { http, hits, twice } = await start();
    await twice('/products');
    for (const headers of [{ cookie: 'a=1' }, { authorization: 'ada' }]) {
      expect(said(await http.get('/products', headers))).toBe('fwd=bypass');
    }
    for (const who of ['ada', 'bob', 'ada', 'bob']) {
      const mine = await http.get('/products/me', { authorization: who });
      expect(JSON.parse(mine.text)).toMatchObject({ who });
      expect(mine.headers['cache-control']).toBe('private, no-cache');
    }
    expect(await hits('/products/me', { authorization: 'ada' })).toBe(true);
    expect(said(await http.get('/products/me'))).toBe('fwd=bypass');
    expect(said((await twice('/products/mine'))[1])).toBe('fwd=bypass');
    await http.get('/products/page', { cookie: 'a=1' });
    expect(await hits('/products/page', { cookie: 'b=2' })).toBe(true);
    expect(said((await twice('/products/set-cookie'))[1])).toBe('fwd=uri-miss; detail=set-cookie');
  });

  it('keys', async () => {
    const { http, hits, twice } = await start();
    await http.get('/products?page=2&utm=1');
    expect(await hits('/products?utm=2&page=2')).toBe(true);
    expect(JSON.parse((await http.get('/products?page=3')).text)).toMatchObject({ page: '3' });
    for (const language of ['de', 'fr', 'de', 'fr']) {
      const page = await http.get('/products/page', { 'accept-language': language });
      expect(JSON.parse(page.text)).toMatchObject({ language });
      expect(page.headers.vary).toBe('Accept-Language');
    }
    expect(said(await http.get('/products/hosts'))).toBe('fwd=bypass');
    await http.get('/products/hosts', { host: 'shop.example' });
    expect(await hits('/products/hosts', { host: 'shop.example' })).toBe(true);
    expect(isHit((await twice('/products/vary/8'))[1])).toBe(true);
    expect(said((await twice('/products/vary9'))[1])).toBe('fwd=uri-miss; detail=vary');
    expect(said(await http.get(`/products?page=${'2'.repeat(2048)}`))).toBe('fwd=bypass');
  });

  it('policies', async () => {
    const { http, hits, twice } = await start();
    const [old] = await twice('/products/stale');
    const [up] = await twice('/products/down');
    const answers: Answer[] = [];
    const isRefreshed = async (): Promise<boolean> => {
      answers.push(await http.get('/products/stale'));
      return answers.at(-1)!.text !== old.text;
    };
    await until(isRefreshed, { what: 'a refresh' });
    expect(said(answers.at(-2)!)).toBe('hit; ttl=-1');
    state.broken = true;
    const kept = await until(
      async () => {
        const answer = await http.get('/products/down');
        return said(answer) === 'hit; ttl=-1' ? answer : undefined;
      },
      { what: 'a stale one in place of the error' },
    );
    expect([kept.status, kept.text]).toEqual([200, up.text]);
    state.broken = false;
    const [none, again] = await twice('/products/none/1');
    expect([none.status, again.status, again.text]).toEqual([404, 404, none.text]);
    expect(await hits('/products/none/1')).toBe(true);
  });

  it('what clients are told, and ask', async () => {
    const { http, twice } = await start();
    const [, browser] = await twice('/products/browser');
    expect(browser.headers['cache-control']).toBe('public, max-age=10, s-maxage=30');
    const [, hit] = await twice('/products/1');
    expect(hit.headers.vary).toBe('Authorization, Cookie');
    const same = await http.get('/products/1', { 'if-none-match': hit.headers.etag });
    expect([same.status, same.text]).toEqual([304, '']);
    const head = await http.send('HEAD', '/products/1');
    expect([head.headers['content-length'], isHit(head)]).toEqual([String(hit.bytes.length), true]);
    const part = await http.get('/products/1', { range: 'bytes=0-1' });
    expect([part.status, part.text]).toEqual([206, hit.text.slice(0, 2)]);
    expect(isHit(await http.get('/products/1', { 'cache-control': 'no-cache' }))).toBe(true);
    expect(said(await http.get('/products/1', { 'cache-control': 'no-store' }))).toBe('fwd=bypass');
    const { text } = await http.get('/products/1', { 'cache-control': 'no-store' });
    expect(text).not.toBe(hit.text);
  });

  it('invalidation', async () => {
    const { http, hits, twice } = await start();
    for (const write of [
      () => http.cache.invalidateTags(['product:1']),
      () => http.send('POST', '/products/1/name'),
      () => http.cache.clear(),
    ]) {
      await twice('/products/1');
      expect(await hits('/products/1')).toBe(true);
      await write();
      expect(await hits('/products/1')).toBe(false);
    }
    await twice('/products/2');
    state.broken = true;
    await http.send('PUT', '/products/2');
    expect(await hits('/products/2')).toBe(true);
  });

  it('interceptors around', async () => {
    const { twice } = await start();
    state.seen.length = 0;
    const [miss, hit] = await twice('/products/envelope');
    expect(JSON.parse(miss.text)).toEqual({ data: { run: state.calls } });
    expect(hit.text).toBe(miss.text);
    expect(state.seen).toEqual([{ run: state.calls }, 'a stored response']);
    for (const [i, { headers }] of [miss, hit].entries()) {
      expect(headers).toMatchObject({ 'x-before': `${i}`, 'x-after': `${i + 1}` });
    }
  });

  it('interceptors of a handler are inside a cache of its controller', async () => {
    const { twice } = await start();
    state.seen.length = 0;
    const [miss, hit] = await twice('/all/envelope');
    expect([isHit(hit), hit.text, JSON.parse(miss.text)]).toEqual([
      true,
      miss.text,
      { data: { run: state.calls } },
    ]);
    expect(state.seen).toEqual([{ run: state.calls }]);
  });

  it('the origin decides', async () => {
    const { twice } = await start();
    const [, hit] = await twice('/products/origin');
    expect(isHit(hit)).toBe(true);
    expect(hit.headers).toMatchObject({
      'cache-control': 'max-age=0, private',
      'cdn-cache-control': 'max-age=60',
    });
  });

  it('limits', async () => {
    const { http, hits, twice } = await start();
    expect(said((await twice('/products/big'))[1])).toBe('fwd=uri-miss; detail=too-large');
    const [, file] = await twice('/products/file');
    expect([isHit(file), file.headers.etag]).toEqual([true, undefined]);
    expect((await http.get('/products/file', { range: 'bytes=1-3' })).text).toBe(file.text.slice(1, 4));
    expect(await hits('/products/file')).toBe(true);
  });
});

describe('compression around', () => {
  const squeezed = { 'accept-encoding': 'gzip' };
  async function start(): Promise<HttpApp> {
    const http = await HttpApp.start('express', [Products], {
      providers: [ProductsService],
      prepare: (app) => app.use(compression({ threshold: 0 })),
    });
    running.push(http);
    return http;
  }

  it('compresses every answer anew', async () => {
    const http = await start();
    const [miss, hit] = [await http.get('/products/1', squeezed), await http.get('/products/1', squeezed)];
    expect(isHit(hit)).toBe(true);
    expect(hit.bytes).toEqual(miss.bytes);
    expect(hit.headers).toMatchObject({ 'content-encoding': 'gzip', etag: miss.headers.etag });
    const plain = await http.get('/products/1');
    expect([isHit(plain), plain.text]).toEqual([true, gunzipSync(hit.bytes).toString()]);
  });

  it('parts are of the bytes that are sent, or it is all of them', async () => {
    const http = await start();
    const range = { range: 'bytes=1-3' };
    const { text } = await http.get('/products/file');
    for (const path of ['/products/file', '/products/file', '/products/1']) {
      const all = await http.get(path, { ...range, ...squeezed });
      expect([all.status, all.headers['content-encoding']]).toEqual([200, 'gzip']);
    }
    for (const headers of [{}, { 'accept-encoding': 'identity;q=1, *;q=0' }]) {
      const part = await http.get('/products/file', { ...range, ...headers });
      expect([part.status, part.text]).toEqual([206, text.slice(1, 4)]);
    }
  });
});
