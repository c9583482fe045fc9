// On Express a hit takes a short way through `res.send`: whoever has replaced that, wherever, is still on it.
import {
  type CallHandler,
  Controller,
  type ExecutionContext,
  Get,
  type INestApplication,
  type NestInterceptor,
  UseInterceptors,
} from '@nestjs/common';
import { afterEach, expect, it } from '@jest/globals';
import { type Observable, take } from 'rxjs';

import { CacheResponse } from '../../lib/http/index.js';
import { HttpApp, isHit } from './apps.js';

interface Response {
  send(body: unknown): unknown;
  setHeader(name: string, value: string): unknown;
}
type Prepare = (app: INestApplication) => unknown;

let running: HttpApp | undefined;
const taking = { isOne: false };

afterEach(async () => {
  taking.isOne = false;
  await running?.close();
});

class TakingOne implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return taking.isOne ? next.handle().pipe(take(1)) : next.handle();
  }
}

@Controller()
class Pages {
  @Get('page')
  @CacheResponse({ ttl: '1h' })
  page() {
    return { a: 1 };
  }

  @Get('one')
  @CacheResponse({ ttl: '1h' })
  @UseInterceptors(TakingOne)
  one() {
    return { a: 1 };
  }
}

async function start(prepare: Prepare): Promise<HttpApp> {
  return (running = await HttpApp.start('express', [Pages], { prepare }));
}

const counting = (send: Response['send']): Response['send'] => {
  let requests = 0;
  return function (this: Response, body) {
    this.setHeader('X-Request', String((requests += 1)));
    return send.call(this, body);
  };
};

const responsesOf = (app: INestApplication): Response =>
  (app.getHttpAdapter().getInstance() as { response: Response }).response;

const PLACES: readonly (readonly [string, Prepare])[] = [
  [
    'of each response',
    (app) => {
      let wrapped: Response['send'] | undefined;
      app.use((_request: unknown, response: Response, next: () => void) => {
        response.send = wrapped ??= counting(response.send);
        next();
      });
    },
  ],
  [
    "of the application's responses",
    (app) => {
      const responses = responsesOf(app);
      responses.send = counting(responses.send);
    },
  ],
  [
    'further down, for all responses of Express',
    (app) => {
      const all = Object.getPrototypeOf(responsesOf(app)) as Response;
      Object.setPrototypeOf(
        responsesOf(app),
        Object.assign(Object.create(all), { send: counting(all.send) }),
      );
    },
  ],
];

it.each(PLACES)('a `send` %s is called for hits, and what it sets is sent', async (_where, prepare) => {
  const app = await start(prepare);
  const miss = await app.get('/page');
  const hit = await app.get('/page');
  expect([isHit(miss), isHit(hit)]).toEqual([false, true]);
  expect(hit.text).toBe(miss.text);
  // JSON goes through `send` once: what is no text is made text, and sent by the same.
  expect(Number(hit.headers['x-request'])).toBeGreaterThan(Number(miss.headers['x-request']));
});

it('an interceptor that takes one value gets the stored response', async () => {
  const app = await start(() => {});
  const miss = await app.get('/one');
  taking.isOne = true;
  const hit = await app.get('/one');
  expect([isHit(hit), hit.text, hit.headers['content-type']]).toEqual([
    true,
    miss.text,
    miss.headers['content-type'],
  ]);
});

it('but nothing is stored where it has left before the handler was over', async () => {
  const app = await start(() => {});
  taking.isOne = true;
  const answers = [await app.get('/one'), await app.get('/one')];
  expect(answers.map(({ status, headers }) => [status, headers['cache-status']])).toEqual([
    [200, undefined],
    [200, undefined],
  ]);
});
