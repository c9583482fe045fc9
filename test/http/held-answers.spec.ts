// Failures that are held back until it is known whether there is something stale.
import { Controller, Get, Header, InternalServerErrorException, Res, type Type } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { CacheResponse } from '../../lib/http/index.js';
import { until } from '../support/until.js';
import { type AnyResponse, ADAPTERS, type AppOptions, type HttpApp, isHit, Said } from './apps.js';
import { closeTimedApps, timedApp, type TimedApp } from './timed-apps.js';

const SIE = { ttl: 10, staleIfError: 60 };
const rawOf = (response: AnyResponse | ServerResponse): ServerResponse =>
  ((response as AnyResponse).raw ?? response) as unknown as ServerResponse;

let broken: boolean;
beforeEach(() => {
  broken = false;
});
afterEach(closeTimedApps);

describe.each(ADAPTERS)('on %s', (adapter) => {
  let app: HttpApp;
  let bench: TimedApp['bench'];

  /** Has a page stored, which is stale now; its handler will fail. */
  const start = async (page: Type, options: AppOptions = {}) => {
    ({ app, bench } = await timedApp(adapter, [page], { logger: new Said(), ...options }));
    const first = await app.get('/page');
    bench.clock.advance(20_000);
    broken = true;
    return first;
  };

  describe.each<[string, (response: AnyResponse, errors: unknown[]) => void]>([
    [
      'throws',
      () => {
        throw new InternalServerErrorException();
      },
    ],
    ['answers again', (response) => response.send('again')],
    ['ends it again', (response) => rawOf(response).end('again')],
    ['writes more', (response) => rawOf(response).write('more')],
    [
      'sets a field',
      (response, errors) => {
        try {
          rawOf(response).setHeader('X-Late', '1');
        } catch (error) {
          errors.push(error);
        }
      },
    ],
  ])('a handler that has answered 503, and then %s', (what, then) => {
    it.each(['something stale', 'nothing'])('has %s sent, once', async (there) => {
      const errors: unknown[] = [];
      const reads: unknown[] = [];
      @Controller()
      class Page {
        @Get('page')
        @CacheResponse(SIE)
        page(@Res() response: AnyResponse) {
          if (!broken) return void response.status(200).send('fine');
          response.status(503).send('broken');
          const { headersSent, writableEnded } = rawOf(response);
          reads.push(headersSent, writableEnded);
          then(response, errors);
        }
      }
      await start(Page);
      if (there === 'nothing') await bench.cache.clear();
      const { status, text, headers } = await app.get('/page');
      expect([status, text]).toEqual(there === 'nothing' ? [503, 'broken'] : [200, 'fine']);
      expect(headers['x-late']).toBeUndefined();
      expect(reads).toEqual([true, true]);
      if (what === 'sets a field') expect(errors).toMatchObject([{ code: 'ERR_HTTP_HEADERS_SENT' }]);
      // All is as it was for the next one.
      broken = false;
      bench.clock.advance(20_000);
      expect((await app.get('/page')).text).toBe('fine');
      expect(isHit(await app.get('/page'))).toBe(true);
    });
  });

  it('fields that were there before the handler are as they were before it', async () => {
    @Controller()
    class Page {
      @Get('page')
      @Header('Content-Disposition', 'attachment')
      @Header('X-Kind', 'table')
      @CacheResponse(SIE)
      page(@Res({ passthrough: true }) response: AnyResponse & ServerResponse) {
        if (!broken) return 'a,b';
        response.removeHeader('content-disposition');
        if (adapter === 'express') response.setHeader('X-Kind', 'error');
        else response.header('X-Kind', 'error');
        response.status(503);
        return 'broken';
      }
    }
    const first = await start(Page);
    const stale = await app.get('/page');
    expect([stale.status, stale.text]).toEqual([200, 'a,b']);
    for (const name of ['content-disposition', 'x-kind', 'content-type', 'etag', 'cache-control']) {
      expect([name, stale.headers[name]]).toEqual([name, first.headers[name]]);
    }
  });

  it.each([{}, { staleIfError: 60 }])('a refresh that fails is ended, with %j', async (more) => {
    @Controller()
    class Page {
      @Get('page')
      @CacheResponse({ ttl: 10, staleWhileRevalidate: 60, ...more })
      page() {
        if (broken) throw new InternalServerErrorException();
        return 'fine';
      }
    }
    /** Of requests that middleware has let in, and has not seen end. */
    let open = 0;
    const ended: string[] = [];
    await start(Page, {
      prepare: (nest) => {
        nest.use((_: unknown, response: ServerResponse, next: () => void) => {
          open++;
          rawOf(response).once('close', () => {
            open--;
            ended.push(`${rawOf(response).statusCode}`);
          });
          next();
        });
      },
    });
    expect((await app.get('/page')).text).toBe('fine');
    await until(() => ended.length === 3, { what: 'the end of the refresh' });
    expect([open, ended.toSorted()]).toEqual([0, ['200', '200', '500']]);
  });
});
