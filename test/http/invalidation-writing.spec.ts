// Handlers that invalidate answer as they would if they did not, however they write.
import { Catch, Controller, type ExceptionFilter, Param, Post, Res, UseFilters } from '@nestjs/common';
import type { ArgumentsHost } from '@nestjs/common';
import http from 'node:http';
import http2 from 'node:http2';
import { text } from 'node:stream/consumers';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';

import { InvalidatesResponses } from '../../lib/http/index.js';
import { Deferred } from '../support/deferred.js';
import { NEST_MAJOR } from '../support/nest-major.js';
import { until } from '../support/until.js';
import { ADAPTERS, type AnyResponse, HttpApp, insteadOfInvalidating, rawOf, Said } from './apps.js';

type Handler = (raw: http.ServerResponse, response: AnyResponse, note: (what: unknown) => void) => unknown;

const codeOf = (run: () => unknown): unknown => {
  try {
    run();
    return 'nothing thrown';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
};

const HANDLERS: Record<string, Handler> = {
  'an end': (raw) => raw.end('body'),
  'an end without a body': (raw) => raw.end(),
  'two ends': (raw) => {
    raw.end('body');
    raw.end();
  },
  'two ends that both want to know': (raw, _, note) => {
    raw.end('body', () => note('first'));
    raw.end(() => note('second'));
  },
  'an end of what the framework has sent': (raw, response) => {
    response.send('body');
    raw.end();
  },
  'an error after the end': (_, response) => {
    response.send('body');
    throw new Error('late');
  },
  'an error before': () => {
    throw new Error('early');
  },
  'a look at what is sent': (raw, response, note) => {
    note([raw.headersSent, raw.writableEnded]);
    response.send('body');
    note([raw.headersSent, raw.writableEnded]);
  },
  'a look at what is sent of a head': (raw, _, note) => {
    raw.writeHead(202, 'All Good', { 'X-A': ['1', '2'] });
    note([raw.headersSent, raw.writableEnded]);
    note(codeOf(() => raw.writeHead(500)));
    raw.end('body');
  },
  'fields and a status that come too late': (raw, _, note) => {
    raw.setHeader('x-a', '1');
    raw.end('body');
    note(codeOf(() => raw.setHeader('x-a', '2')));
    note(codeOf(() => raw.appendHeader('x-a', '2')));
    note(codeOf(() => raw.removeHeader('x-a')));
    note(codeOf(() => raw.writeHead(500)));
    raw.flushHeaders();
    raw.statusCode = 500;
    raw.statusMessage = 'late';
  },
  'a body that is none': (raw, _, note) => {
    note(codeOf(() => raw.end(5)));
    raw.end('body');
  },
  'a failure': (raw) => {
    raw.writeHead(500, { 'x-a': '1' });
    raw.end('body');
    raw.end();
  },
  'a failure in two pieces': (raw) => {
    raw.statusCode = 503;
    raw.write('bo');
    raw.end('dy');
  },
  pieces: (raw) => {
    raw.writeHead(200, { 'x-a': '1' });
    raw.write('bo');
    raw.write('d');
    raw.end('y');
    raw.end();
  },
  'a head that is flushed': (raw, _, note) => {
    raw.flushHeaders();
    note(raw.headersSent);
    raw.end('body');
  },
};

/** Fastify leaves this unanswered on Nest 11, with or without the decorator. */
const SINCE_NEST_12: Record<string, Handler> = {
  'an error after the head': (raw) => {
    raw.writeHead(201, { 'x-a': '1' });
    throw new Error('late');
  },
};

/** Fastify leaves these unanswered, with or without the decorator. */
const ON_EXPRESS: Record<string, Handler> = {
  'a message that cannot be sent': (raw, response) => {
    raw.statusMessage = 'done ✓';
    response.send('body');
  },
  'a head that cannot be sent': (raw) => raw.writeHead(201, 'done ✓').end('body'),
};

/** Answers without a look at what has been said before. */
@Catch()
class Stubborn implements ExceptionFilter {
  catch(_: unknown, host: ArgumentsHost) {
    const response = host.switchToHttp().getResponse<AnyResponse>();
    response.status(500).send('a failure');
  }
}

let notes: unknown[] = [];
let own: Handler = () => undefined;
const note = (what: unknown): unknown => notes.push(what);

@Controller()
class Things {
  @Post('plain/:name') plain(@Param('name') name: string, @Res() response: AnyResponse) {
    return { ...HANDLERS, ...SINCE_NEST_12, ...ON_EXPRESS }[name]!(rawOf(response), response, note);
  }
  @Post('watched/:name') @InvalidatesResponses() watched(
    @Param('name') name: string,
    @Res() response: AnyResponse,
  ) {
    return this.plain(name, response);
  }
  @Post('filtered/plain/:name') @UseFilters(Stubborn) filtered(
    @Param('name') name: string,
    @Res() response: AnyResponse,
  ) {
    return this.plain(name, response);
  }
  @Post('filtered/watched/:name') @UseFilters(Stubborn) @InvalidatesResponses() both(
    @Param('name') name: string,
    @Res() response: AnyResponse,
  ) {
    return this.plain(name, response);
  }
  @Post('own') @InvalidatesResponses() own(@Res() response: AnyResponse) {
    return own(rawOf(response), response, note);
  }
}

describe.each(ADAPTERS)('on %s', (adapter) => {
  let app: HttpApp;
  let said: Said;
  const unhandled: unknown[] = [];
  const keep = (error: unknown): unknown => unhandled.push(error);

  beforeEach(async () => {
    said = new Said();
    unhandled.length = 0;
    process.on('unhandledRejection', keep);
    app = await HttpApp.start(adapter, [Things], { logger: said });
  });
  afterEach(async () => {
    process.off('unhandledRejection', keep);
    await app.close();
    expect(unhandled).toEqual([]);
  });

  const answer = (path: string) =>
    new Promise<unknown>((resolve) => {
      notes = [];
      const options = {
        port: app.port,
        host: '127.0.0.1',
        method: 'POST',
        path: encodeURI(path),
        agent: false,
      };
      const request = http.request(options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', (error) => resolve(String(error)));
        response.on('end', () => {
          const { statusCode, statusMessage, headers } = response;
          // How the length is said is Node's choice: it knows that of a body that has waited.
          for (const name of ['date', 'content-length', 'transfer-encoding']) delete headers[name];
          // Pages of Express show where an error was thrown.
          const page = Buffer.concat(chunks)
            .toString()
            .replace(/<br>.*/, '');
          resolve({ statusCode, statusMessage, headers, text: page, notes });
        });
      });
      request.on('error', (error) => resolve(String(error)));
      request.end();
    });

  const answered = [
    HANDLERS,
    ...(adapter === 'express' || NEST_MAJOR >= 12 ? [SINCE_NEST_12] : []),
    ...(adapter === 'express' ? [ON_EXPRESS] : []),
  ];
  it.each(answered.flatMap((handlers) => Object.keys(handlers)))('%s', async (name) => {
    const plain = await answer(`/plain/${name}`);
    expect(plain).toEqual(expect.objectContaining({ statusCode: expect.any(Number) }));
    expect(await answer(`/watched/${name}`)).toEqual(plain);
    const filtered = await answer(`/filtered/plain/${name}`);
    expect(await answer(`/filtered/watched/${name}`)).toEqual(filtered);
  });

  it('what is written after the end is not sent, and whoever wrote it is told', async () => {
    const told: unknown[] = [];
    const tell = (error?: Error | null): unknown => told.push((error as { code?: string }).code);
    own = (raw) => {
      raw.end('body');
      told.push(raw.write('more', tell));
      raw.end('more', tell);
    };
    expect(await answer('/own')).toEqual(expect.objectContaining({ text: 'body' }));
    const late = 'ERR_STREAM_WRITE_AFTER_END';
    expect(told).toEqual([false, late, late]);
  });

  it('what Node refuses when it is due closes the connection, and is said', async () => {
    own = (raw) => {
      raw.setHeader('Trailer', 'x-a');
      raw.setHeader('Content-Length', 4);
      raw.end('body');
    };
    expect(await answer('/own')).toMatch('socket hang up');
    await until(() => said.errors.length > 0);
    expect(said.errors).toEqual(['the response to POST /own cannot be sent']);
  });

  it('a body is what it was when it was written, whatever becomes of its bytes meanwhile', async () => {
    const gate = new Deferred<void>();
    insteadOfInvalidating(app.cache, () => gate.promise);
    own = (raw) => {
      const bytes = Buffer.from('body');
      raw.end(bytes);
      bytes.fill(0);
      gate.resolve();
    };
    expect(await answer('/own')).toEqual(expect.objectContaining({ text: 'body' }));
  });

  it('a failure does not wait for anything', async () => {
    insteadOfInvalidating(app.cache, () => new Promise(() => undefined));
    own = (raw) => {
      raw.statusCode = 409;
      raw.end('body');
    };
    expect(await answer('/own')).toEqual(expect.objectContaining({ statusCode: 409, text: 'body' }));
  });
});

it('over HTTP/2 nothing is sent before, and nothing is done that Node warns of', async () => {
  const looked = jest.spyOn(http2.Http2ServerResponse.prototype, 'statusMessage', 'get');
  const adapter = new FastifyAdapter({ http2: true } as object);
  const app = await HttpApp.start(adapter, [Things]);
  const client = http2.connect(`http://127.0.0.1:${app.port}`);
  try {
    const gate = new Deferred<void>();
    let begun = false;
    insteadOfInvalidating(app.cache, () => ((begun = true), gate.promise));
    own = (_, response) => response.status(202).send('body');
    const stream = client.request({ ':path': '/own', ':method': 'POST' });
    let status: number | undefined;
    stream.once('response', (head) => (status = head[':status']));
    await until(() => begun);
    // Whatever has been sent before has come by then.
    await new Promise((resolve) => client.ping(resolve));
    expect(status).toBeUndefined();
    gate.resolve();
    expect(await text(stream)).toBe('body');
    expect(status).toBe(202);
    expect(looked).not.toHaveBeenCalled();
  } finally {
    looked.mockRestore();
    client.close();
    await app.close();
  }
});
