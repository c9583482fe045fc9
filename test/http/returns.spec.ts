// Whatever a handler returns, and however it writes: a hit is the miss.
import { Readable } from 'node:stream';
import { Controller, Get, Header, HttpCode, Redirect, Res, StreamableFile } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { of } from 'rxjs';

import { CacheResponse } from '../../lib/http/index.js';
import { NEST_MAJOR, SINCE_NEST_12 } from '../support/nest-major.js';
import { type AnyResponse, ADAPTERS, comparable, HttpApp, isHit, rawOf } from './apps.js';

let calls = 0;

@Controller()
@CacheResponse({ ttl: '1h', scope: 'public' })
class Returns {
  @Get('json') json() {
    return { run: ++calls, text: 'grüße ☃', nested: [1, { a: null }] };
  }
  @Get('text') text() {
    return `run ${++calls} ☃`;
  }
  @Get('number') number() {
    return ++calls;
  }
  @Get('null') null() {
    calls++;
    return null;
  }
  @Get('nothing') nothing() {
    calls++;
  }
  @Get('empty') empty() {
    calls++;
    return '';
  }
  @Get('promise') async promise() {
    await Promise.resolve();
    return { run: ++calls };
  }
  @Get('observable') observable() {
    return of(1, 2, ++calls);
  }
  @Get('status') @HttpCode(203) @Header('X-Fixed', 'yes') status() {
    return { run: ++calls };
  }
  @Get('no-content') @HttpCode(204) noContent() {
    calls++;
  }
  @Get('csv') @Header('Content-Type', 'text/csv') csv() {
    return `a,b\n${++calls},☃`;
  }
  @Get('res') res(@Res() response: AnyResponse) {
    response.status(203);
    (response.raw ?? response).setHeader('X-Own', 'é'.normalize('NFC') === 'é' ? 'latin' : '');
    response.send({ run: ++calls });
    return 'nobody sees this';
  }
  @Get('res-raw') resRaw(@Res() response: AnyResponse) {
    const raw = rawOf(response);
    raw.setHeader('Content-Type', 'text/plain');
    raw.write(`run ${++calls}`);
    raw.write(' in two pieces');
    raw.end();
  }
  @Get('passthrough') passthrough(@Res({ passthrough: true }) response: AnyResponse) {
    response.status(203);
    (response.raw ?? response).setHeader('X-Own', 'yes');
    return { run: ++calls };
  }
  @Get('file') file() {
    return new StreamableFile(Buffer.from(`run ${++calls}`), { type: 'text/x-own', disposition: 'inline' });
  }
  @Get('stream') stream() {
    return new StreamableFile(Readable.from([Buffer.from([0, 255, 254]), Buffer.from(`run ${++calls}`)]));
  }
  @Get('binary') binary(@Res() response: AnyResponse) {
    calls++;
    response.send(Buffer.from([0, 1, 254, 255, calls]));
  }
  @Get('redirect') @Redirect('/elsewhere', 307) redirect() {
    calls++;
  }
  @Get('redirect-dynamic') @Redirect('/elsewhere') redirectDynamic() {
    return { url: `/elsewhere/${++calls}`, statusCode: 301 };
  }
  @Get('web') web() {
    return new Response(`run ${++calls}`, {
      status: 203,
      headers: { 'x-own': 'web', 'content-type': 'text/plain' },
    });
  }
  @Get('generator') async *generator() {
    yield `run ${++calls}`;
    yield ' and more';
  }
}

const PATHS = [
  'json', 'text', 'number', 'null', 'nothing', 'empty', 'promise', 'observable', 'status', 'no-content', 'csv', 'res',
  'res-raw', 'passthrough', 'file', 'stream', 'binary', 'redirect', 'redirect-dynamic', ...(NEST_MAJOR < 12 ? [] : SINCE_NEST_12),
]; // prettier-ignore

describe.each(ADAPTERS)('on %s', (adapter) => {
  let app: HttpApp;

  afterEach(() => app.close());

  describe('a hit is the miss', () => {
    beforeEach(async () => {
      calls = 0;
      app = await HttpApp.start(adapter, [Returns]);
    });

    it.each(PATHS)('%s', async (path) => {
      const miss = await app.get(`/${path}`);
      expect(isHit(miss)).toBe(false);
      const hits = [await app.get(`/${path}`), await app.get(`/${path}`)];
      for (const hit of hits) {
        expect(comparable(hit)).toEqual(comparable(miss));
        expect(hit.headers['cache-status']).toMatch(/^nestjs-tiered-cache; hit; ttl=3\d\d\d$/);
        expect(Number(hit.headers.age)).toBeLessThan(5);
      }
      expect(miss.headers['cache-status']).toBe('nestjs-tiered-cache; fwd=uri-miss; stored');
      expect(calls).toBe(1);
    });
  });
});
