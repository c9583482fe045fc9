// Nobody ever gets what is another's: 10,000 random requests of 100 users. Every answer says whose it is, and what it was made of.
import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  NotFoundException,
  Req,
  Res,
  StreamableFile,
  UseGuards,
} from '@nestjs/common';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { randomInt } from 'node:crypto';
import http from 'node:http';
import { Readable } from 'node:stream';

import { CacheResponse, type CacheResponseOptions, type HttpRequest } from '../../lib/http/index.js';
import type { CacheOptions } from '../../lib/core/cache-options.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';
import { ADAPTERS, HttpApp, type AnyResponse, rawOf } from './apps.js';

const AT_ONCE = 25;
const USERS = 100;
const EVERYBODY = 'everybody';

interface Asking extends HttpRequest {
  user?: { id: string };
}
/** What a response was made of. */
interface Made {
  readonly of: string;
  readonly inputs: readonly unknown[];
}

class Users implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<Asking>();
    const id = request.headers['x-user'];
    if (typeof id === 'string') request.user = { id };
    return true;
  }
}

const whoAsks = ({ user, headers }: Asking): string =>
  user?.id ?? headers.authorization ?? headers.cookie ?? EVERYBODY;

/** Which of the inputs a route reads: all of them stand in its answers. */
function inputsOf(
  { headers, query, originalUrl }: Pick<Asking, 'headers' | 'query' | 'originalUrl'>,
  varied: boolean,
) {
  const path = originalUrl.split('?', 1)[0];
  const fields = varied ? [headers['accept-language'] ?? null, headers['x-variant'] ?? null] : [];
  return [path, headers.host, query['a'] ?? null, query['b'] ?? null, ...fields];
}

const made = (request: Asking, of: string, varied = false): Made => ({
  of,
  inputs: inputsOf(request, varied),
});

/** Header fields say it as well as bodies. */
function say(response: AnyResponse, answer: Made): string {
  const text = JSON.stringify(answer);
  rawOf(response).setHeader('X-Made', text);
  return text;
}

const BY_IDENTITY: CacheResponseOptions = {
  scope: 'private',
  identity: (request) => {
    const who = whoAsks(request);
    return who === EVERYBODY ? undefined : who;
  },
};

let invocations = 0;

@Controller()
@UseGuards(Users)
@CacheResponse({ ttl: '1h', staleWhileRevalidate: '1h', tags: ['all'] })
class Routes {
  @Get('auto/:id') auto(@Req() request: Asking, @Res({ passthrough: true }) response: AnyResponse) {
    const answer = made(request, whoAsks(request));
    say(response, answer);
    return answer;
  }
  @Get('mine/:id')
  @CacheResponse(BY_IDENTITY)
  mine(@Req() request: Asking, @Res({ passthrough: true }) response: AnyResponse) {
    const answer = made(request, whoAsks(request));
    say(response, answer);
    return answer;
  }
  @Get('mine-res/:id')
  @CacheResponse({ ...BY_IDENTITY, ttl: '20ms' })
  mineRes(@Req() request: Asking, @Res() response: AnyResponse) {
    const text = say(response, made(request, whoAsks(request)));
    const raw = rawOf(response);
    raw.write(text.slice(0, 5));
    raw.end(text.slice(5));
  }
  @Get('public/:id')
  @CacheResponse({ scope: 'public', vary: ['Accept-Language'] })
  async public(@Req() request: Asking, @Res({ passthrough: true }) response: AnyResponse) {
    await Promise.resolve();
    const answer = made(request, EVERYBODY, true);
    say(response, answer);
    rawOf(response).setHeader('Vary', 'X-Variant');
    return answer;
  }
  @Get('stream/:id')
  @CacheResponse({ scope: 'public' })
  stream(@Req() request: Asking, @Res({ passthrough: true }) response: AnyResponse) {
    rawOf(response).setHeader('Vary', 'Accept-Language, X-Variant');
    const text = say(response, made(request, EVERYBODY, true));
    return new StreamableFile(Readable.from([Buffer.from(text.slice(0, 9)), Buffer.from(text.slice(9))]));
  }
  @Get('redirect/:id')
  @CacheResponse(BY_IDENTITY)
  redirect(@Req() request: Asking, @Res() response: AnyResponse) {
    const raw = rawOf(response);
    const text = say(response, made(request, whoAsks(request)));
    raw.statusCode = 302;
    raw.setHeader('Location', `/elsewhere?${encodeURIComponent(text)}`);
    raw.end(text);
  }
  @Get('nothing/:id')
  @CacheResponse({ ...BY_IDENTITY, negativeTtl: '1h' })
  nothing(@Req() request: Asking): never {
    throw new NotFoundException(made(request, whoAsks(request)));
  }
  @Get('failing/:id') failing(@Req() request: Asking) {
    invocations++;
    if (invocations % 3 === 0) throw new Error('broken');
    return made(request, whoAsks(request));
  }
  @Get('cookie/:id')
  @CacheResponse({ scope: 'public' })
  cookie(@Req() request: Asking, @Res({ passthrough: true }) response: AnyResponse) {
    const who = request.user?.id;
    const answer = made(request, who ?? EVERYBODY);
    say(response, answer);
    // Whoever starts a session gets an answer of his own; everybody may have the one without.
    if (who !== undefined) rawOf(response).setHeader('Set-Cookie', `session=${who}`);
    return answer;
  }
}

const VARIED = new Set(['public', 'stream']);
const FOR_EVERYBODY = new Set(['public', 'stream']);
const ROUTES = ['auto', 'mine', 'mine-res', 'public', 'stream', 'redirect', 'nothing', 'failing', 'cookie'];

/** Mulberry32. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** By which a request says who asks: `x-user`, which a guard makes a user of, authorization, cookie. */
const CREDENTIALS = ['u', 'u', 'a', 'c', 'ua', 'uc', 'ac', 'uac', '', '', '', ''];

interface Asked {
  readonly route: string;
  readonly path: string;
  readonly headers: Record<string, string>;
}

function randomRequest(random: (below: number) => number): Asked {
  const one = <T>(list: readonly T[]): T => list[random(list.length)]!;
  const route = one(ROUTES);
  // A few users ask much more often than the others.
  const user = () => `user-${random(3) > 0 ? random(3) : random(USERS)}`;
  const headers: Record<string, string> = { host: one(['a.example', 'a.example', 'b.example']) };
  const by = one(CREDENTIALS);
  // Where there are several, they need not be those of one user: a token of somebody, the cookie of whoever was there before.
  if (by.includes('u')) headers['x-user'] = user();
  if (by.includes('a')) headers['authorization'] = user();
  if (by.includes('c')) headers['cookie'] = `id=${user()}`;
  if (random(2) === 0) headers['accept-language'] = one(['de', 'fr', 'de, fr']);
  if (random(2) === 0) headers['x-variant'] = one(['one', 'two', '']);
  const query = one([
    '',
    '',
    '?a=1',
    '?a=2',
    '?b=1',
    '?a=1&b=1',
    '?b=1&a=1',
    '?a=1&a=2',
    '?a=2&a=1',
    '?a=1%26b=1',
    '?',
  ]);
  return { route, path: `/${route}/${random(2)}${query}`, headers };
}

/** What the same request says of itself. */
function expected({ route, path, headers }: Asked, isHit: boolean): Made {
  const query: Record<string, unknown> = {};
  for (const [name, value] of new URLSearchParams(path.split('?')[1] ?? '')) {
    query[name] = query[name] === undefined ? value : [query[name], value].flat();
  }
  const asks = headers['x-user'] ?? headers['authorization'] ?? headers['cookie'] ?? EVERYBODY;
  const isForAll =
    FOR_EVERYBODY.has(route) || (route === 'cookie' && (isHit || headers['x-user'] === undefined));
  const of = isForAll ? EVERYBODY : route === 'cookie' ? headers['x-user']! : asks;
  return { of, inputs: inputsOf({ headers, query, originalUrl: path }, VARIED.has(route)) };
}

let redis: RedisServer;
let app: HttpApp | undefined;

beforeAll(async () => {
  redis = await startRedis();
});
afterEach(async () => {
  await app?.close();
  app = undefined;
});
afterAll(() => redis.stop());

describe.each(ADAPTERS)('on %s', (adapter) => {
  it.each<[string, number, () => CacheOptions]>([
    ['memory', 10_000, () => ({})],
    ['memory + Redis', 5_000, () => ({ redis: { host: redis.host, port: redis.port }, namespace: adapter })],
  ])(
    'no answer reaches another one: %s, %i requests',
    async (_, requests, cache) => {
      const seed = Number(process.env['LEAK_SEED'] ?? randomInt(2 ** 31));
      const random = randomOf(seed);
      const agent = new http.Agent({ keepAlive: true, maxSockets: AT_ONCE });
      app = await HttpApp.start(adapter, [Routes], {
        cache: cache(),
        prepare: (nest) => nest.useLogger(false),
      });
      const { port } = app;
      const ask = ({
        path,
        headers,
      }: Asked): Promise<{ status: number; headers: http.IncomingHttpHeaders; text: string }> =>
        new Promise((resolve, reject) => {
          const request = http.get({ host: '127.0.0.1', port, path, headers, agent }, (response) => {
            let text = '';
            response.setEncoding('utf8');
            response.on('data', (chunk: string) => (text += chunk));
            response.on('end', () =>
              resolve({ status: response.statusCode!, headers: response.headers, text }),
            );
          });
          request.on('error', reject);
        });
      const leaks: unknown[] = [];
      const hits: Record<string, number> = {};
      let answered = 0;
      const check = async (asked: Asked): Promise<void> => {
        const answer = await ask(asked);
        const {
          'x-made': field,
          'set-cookie': cookie,
          'cache-status': status = '',
          location,
        } = answer.headers;
        if (answer.status === 500) {
          if (asked.route !== 'failing') leaks.push({ asked, right: 'no error', answer });
          return;
        }
        answered++;
        const isHit = /; hit|collapsed/.test(String(status));
        const right = JSON.stringify(expected(asked, isHit));
        const isWrong =
          answer.text !== right ||
          (field !== undefined && field !== right) ||
          (location !== undefined && location !== `/elsewhere?${encodeURIComponent(right)}`) ||
          (cookie !== undefined && (isHit || String(cookie) !== `session=${asked.headers['x-user']}`));
        if (isWrong) leaks.push({ asked, right, answer });
        if (isHit) hits[asked.route] = (hits[asked.route] ?? 0) + 1;
      };
      for (let done = 0; done < requests; done += AT_ONCE) {
        const asking = Array.from({ length: AT_ONCE }, () => check(randomRequest(random)));
        if (random(60) === 0) asking.push(app.cache.invalidateTags(['all']));
        await Promise.all(asking);
      }
      agent.destroy();
      const total = Object.values(hits).reduce((sum, n) => sum + n, 0);
      // oxlint-disable-next-line no-console
      if (process.env['LEAK_FIGURES'] !== undefined) console.log({ seed, answered, total, hits });
      expect({ seed, leaks: leaks.slice(0, 3), count: leaks.length }).toEqual({ seed, leaks: [], count: 0 });
      expect({ seed, hits: total > requests / 10 }).toEqual({ seed, hits: true });
      for (const route of ['auto', 'mine', 'mine-res', 'public', 'stream', 'redirect', 'nothing', 'cookie']) {
        expect({ seed, route, hits: (hits[route] ?? 0) > 10 }).toEqual({ seed, route, hits: true });
      }
    },
    60_000,
  );
});
