// What handlers change while nobody waits for their answer any more, or has the first part of it, is not served from before.
import {
  Controller,
  Get,
  Injectable,
  Post,
  Put,
  RequestTimeoutException,
  Res,
  StreamableFile,
  UseInterceptors,
} from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import http from 'node:http';
import { PassThrough, Readable } from 'node:stream';
import { defer, finalize, from, NEVER, type Observable, Subject, takeUntil, throwIfEmpty } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { CacheResponse, InvalidatesResponses } from '../../lib/http/index.js';
import { Deferred } from '../support/deferred.js';
import { NEST_MAJOR } from '../support/nest-major.js';
import { until } from '../support/until.js';
import { ADAPTERS, type AnyResponse, HttpApp, insteadOfInvalidating, rawOf, Said } from './apps.js';

let value = '';
let begun: Deferred<void>;
/** What a handler waits for before it changes anything. */
let gate: Deferred<void>;
let cancelled = false;
const impatience = new Subject<void>();
let tagsOf: (result: unknown) => readonly string[];
/** Whether the server knows that the client has left. */
let gone: Deferred<void>;

const change = async (): Promise<void> => {
  begun.resolve();
  await gate.promise;
  value = 'new';
};

/** Waits for a handler only so long. */
@Injectable()
class Impatient implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      takeUntil(impatience),
      throwIfEmpty(() => new RequestTimeoutException()),
    );
  }
}

@Controller('x')
class Things {
  @Get() @CacheResponse({ ttl: '1h', tags: ['x'] }) get() {
    return value;
  }
  @Post('promise') @InvalidatesResponses({ tags: ['x'] }) async promise() {
    await change();
    return 'done';
  }
  @Post('file') @InvalidatesResponses({ tags: ['x'] }) async file() {
    await change();
    return new StreamableFile(Readable.from(['done']));
  }
  @Post('own') @InvalidatesResponses({ tags: ['x'] }) async own(@Res() response: AnyResponse) {
    await change();
    const raw = rawOf(response);
    if (!raw.destroyed) response.send('done');
  }
  @Post('result')
  @InvalidatesResponses({ tags: (_, result) => tagsOf(result) })
  async result() {
    await change();
    return ['x'];
  }
  @Post('failing')
  @InvalidatesResponses({ tags: (_, result) => tagsOf(result) })
  async failing() {
    await change();
    throw new Error('failed');
  }
  @Post('later') @InvalidatesResponses({ tags: ['x'] }) later(@Res() response: AnyResponse) {
    void change().then(() => response.send('done'));
  }
  /** Waits for a client that reads no more. */
  @Post('stuck') @InvalidatesResponses({ tags: ['x'] }) async stuck(@Res() response: AnyResponse) {
    rawOf(response).write('begun, ');
    await change();
    await new Promise(() => undefined);
  }
  @Post('cancelled') @InvalidatesResponses({ tags: ['x'] }) cancelled() {
    return defer(() => {
      begun.resolve();
      return NEVER;
    }).pipe(
      finalize(() => {
        cancelled = true;
        value = 'new';
      }),
    );
  }
  @Post('from') @InvalidatesResponses({ tags: ['x'] }) from() {
    return from(change().then(() => 'done'));
  }
  @Post('generator') @InvalidatesResponses({ tags: ['x'] }) async *generator() {
    yield 'begun';
    await change();
    yield 'done';
  }
  @Post('slow') @InvalidatesResponses({ tags: ['x'] }) @UseInterceptors(Impatient) async slow() {
    await change();
  }
  @Post('slow-result')
  @InvalidatesResponses({ tags: (_, result) => tagsOf(result) })
  @UseInterceptors(Impatient)
  async slowResult() {
    await change();
    return ['x'];
  }
  @Post('pieces') @InvalidatesResponses({ tags: ['x'] }) pieces() {
    const stream = new PassThrough();
    stream.write('begun, ');
    void change().then(() => stream.end('done'));
    return new StreamableFile(stream);
  }
  @Put('late') @InvalidatesResponses({ tags: ['x'] }) async late(@Res() response: AnyResponse) {
    const raw = rawOf(response);
    raw.write('begun, ');
    await change();
    raw.statusCode = 500;
    raw.end('done');
  }
  @Put('pieces') @InvalidatesResponses({ tags: ['x'] }) async written(@Res() response: AnyResponse) {
    const raw = rawOf(response);
    raw.write('begun, ');
    await change();
    raw.end('done');
  }
}

describe.each(ADAPTERS)('on %s', (adapter) => {
  let app: HttpApp;
  let said: Said;

  beforeEach(async () => {
    value = 'old';
    begun = new Deferred();
    gate = new Deferred();
    gone = new Deferred();
    cancelled = false;
    said = new Said();
    app = await HttpApp.start(adapter, [Things], { logger: said });
    const server = app.app.getHttpServer() as http.Server;
    server.on('request', ({ method }: http.IncomingMessage, response: http.ServerResponse) => {
      if (method !== 'GET') response.once('close', () => gone.resolve());
    });
  });
  afterEach(() => app.close());

  const served = async () => (await app.get('/x')).text;
  /** Leaves when the handler has begun. */
  const leave = async (path: string) => {
    const options = { port: app.port, host: '127.0.0.1', method: 'POST', path, agent: false };
    const request = http.request(options, (response) => response.on('error', () => undefined).resume());
    request.on('error', () => undefined);
    request.end();
    await begun.promise;
    request.destroy();
    await gone.promise;
  };

  const generator = NEST_MAJOR >= 12 ? ['generator'] : [];
  it.each(['promise', 'file', 'own', 'result', 'later', 'stuck', 'from', ...generator])(
    'what is changed after the client has left: %s',
    async (path) => {
      const results: unknown[] = [];
      tagsOf = (result) => (results.push(result), result as string[]);
      await leave(`/x/${path}`);
      expect(await served()).toBe('old');
      gate.resolve();
      await until(async () => (await served()) === 'new');
      if (path === 'result') expect(results).toContainEqual(['x']);
    },
  );

  it('and that a result is not known until there is one is no failure', async () => {
    tagsOf = (result) => [...(result as string[])];
    await served();
    await leave('/x/result');
    gate.resolve();
    await until(async () => (await served()) === 'new');
    expect(said.errors).toEqual([]);
  });

  it('but that it never will be is said', async () => {
    tagsOf = (result) => [...(result as string[])];
    const answer = app.send('POST', '/x/slow-result');
    await begun.promise;
    impatience.next();
    expect((await answer).status).toBe(408);
    await until(() => said.errors.length > 0);
    expect(said.errors).toEqual(['POST /x/slow-result has succeeded, but not what it was to invalidate']);
  });

  it('what is changed until an Observable is cancelled, as it would be', async () => {
    await served();
    await leave('/x/cancelled');
    await until(async () => (await served()) === 'new');
    expect(cancelled).toBe(true);
  });

  it('nothing when a handler fails for nobody: whoever leaves early invalidates no more than whoever stays', async () => {
    let calls = 0;
    tagsOf = () => (calls++, ['x']);
    await leave('/x/failing');
    gate.resolve();
    await until(() => said.errors.length > 0);
    expect(calls).toBe(0);
  });

  it('what is changed although whoever waited has given up, and said so', async () => {
    const answer = app.send('POST', '/x/slow');
    await begun.promise;
    impatience.next();
    expect((await answer).status).toBe(408);
    expect(await served()).toBe('old');
    gate.resolve();
    await until(async () => (await served()) === 'new');
  });

  it('what is changed until the end of a response that fails when it is too late to say so', async () => {
    const answer = app.send('PUT', '/x/late');
    await begun.promise;
    expect(await served()).toBe('old');
    gate.resolve();
    expect((await answer).status).toBe(200);
    expect(await served()).toBe('new');
  });

  describe.each(['POST', 'PUT'])('in pieces: %s', (method) => {
    it('what is changed until the end is not served from before once the end is there', async () => {
      const answer = app.send(method, '/x/pieces');
      await begun.promise;
      expect(await served()).toBe('old');
      const invalidating = new Deferred<void>();
      let calls = 0;
      insteadOfInvalidating(app.cache, async (invalidate) => {
        calls++;
        await invalidating.promise;
        return invalidate();
      });
      let isAnswered = false;
      void answer.then(() => (isAnswered = true));
      gate.resolve();
      await until(() => calls > 0);
      // Whoever would have been answered is by the time that another is.
      expect(await served()).toBe('old');
      expect(isAnswered).toBe(false);
      invalidating.resolve();
      expect((await answer).text).toBe('begun, done');
      expect(await served()).toBe('new');
    });
  });
});
