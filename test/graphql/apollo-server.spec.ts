import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { operationCache, type OperationCacheOptions } from '../../lib/graphql/index.js';
import { type Bench, benchOf, closeBenches } from '../support/caches.js';
import { Deferred, failure, settle } from '../support/deferred.js';
import { until } from '../support/until.js';

const SILENT = {
  log() {},
  info() {},
  debug() {},
  error() {},
  warn: (message: string) => void warnings.push(message),
};

let bench: Bench;
let warnings: string[];
let calls = 0;
beforeEach(async () => {
  bench = await benchOf('memory');
  warnings = [];
  calls = 0;
  Logger.overrideLogger(SILENT);
});
afterEach(closeBenches);

const nameless = (): never => {
  throw new Error('no tags today');
};

/** A server of its own, without Nest. */
function serverOf(
  options: OperationCacheOptions,
  typeDefs = 'type Query { count(by: Any): Int! } scalar Any',
) {
  const resolvers = { Query: { count: () => ++calls } };
  return new ApolloServer({
    logger: SILENT,
    typeDefs,
    resolvers,
    plugins: [operationCache(bench.cache, options)],
  });
}

async function count(
  server: ApolloServer,
  context: object,
  query = 'query Q { count }',
  variables: Record<string, unknown> = {},
): Promise<unknown> {
  const { body } = await server.executeOperation({ query, variables }, { contextValue: context });
  return body.kind === 'single' ? body.singleResult.data?.['count'] : body;
}

/** A response of which everything can be seen. */
class SeenResponse {
  statusCode = 200;
  readonly headers: Record<string, string> = {};
  getHeaders(): Record<string, string> {
    return { ...this.headers };
  }
}

const ANYBODY = { req: { headers: {} }, res: new SeenResponse() };

it('nobody knows who asks when the context has no request, which is said once', async () => {
  const server = serverOf({});
  expect([await count(server, {}), await count(server, {})]).toEqual([1, 2]);
  expect(warnings).toEqual([expect.stringMatching(/^results of Q are not cached: .*`req`.*scope/)]);
  expect([await count(server, ANYBODY), await count(server, ANYBODY)]).toEqual([3, 3]);
});

it.each([
  ['a user in the context', { ...ANYBODY, user: { id: 1 } }],
  ['a user of the request', { req: { headers: {}, user: { id: 1 } } }],
  ['headers in capitals, as of a WebSocket', { req: { headers: { Authorization: 'Bearer 1' } } }],
  ['parameters of a WebSocket', { ...ANYBODY, connectionParams: { authorization: 'Bearer 1' } }],
  ['the request of Mercurius', { reply: { request: { headers: { cookie: 'a=1' } } } }],
])('%s says who asks', async (_, context) => {
  const server = serverOf({});
  expect([await count(server, context), await count(server, context)]).toEqual([1, 2]);
  expect([await count(server, ANYBODY), await count(server, context)]).toEqual([3, 4]);
});

describe('an execution that changes the response is not stored', () => {
  interface Context {
    readonly res?: SeenResponse;
    readonly reply?: SeenResponse & { raw?: SeenResponse };
    readonly req: { readonly headers: object; readonly res?: SeenResponse };
  }

  /** A server whose query changes the response of its context, or has plugins do so. */
  function changing(
    options: OperationCacheOptions,
    change: (context: Context) => void,
    plugins: object[] = [],
  ) {
    const typeDefs = 'type Query { count: Int! }';
    const resolve = (_: unknown, _args: unknown, context: object): number => {
      change(context as Context);
      return ++calls;
    };
    const resolvers = { Query: { count: resolve } };
    return new ApolloServer({
      logger: SILENT,
      typeDefs,
      resolvers,
      plugins: [...plugins, operationCache(bench.cache, { ...options, name: `server-${++servers}` })],
    });
  }

  let servers = 0;
  const req = { headers: {} };
  it.each<[string, () => Context, (context: Context) => SeenResponse]>([
    ['res', () => ({ req, res: new SeenResponse() }), ({ res }) => res!],
    ['reply', () => ({ req, reply: new SeenResponse() }), ({ reply }) => reply!],
    [
      'reply.raw',
      () => ({ req, reply: Object.assign(new SeenResponse(), { raw: new SeenResponse() }) }),
      ({ reply }) => reply!.raw!,
    ],
    ['req.res', () => ({ req: { ...req, res: new SeenResponse() } }), ({ req: { res } }) => res!],
  ])('as %s, which is said once', async (_, context, responseOf) => {
    const cookie = changing({}, (of) => void (responseOf(of).headers['set-cookie'] = `id=${calls}`));
    expect([await count(cookie, context()), await count(cookie, context())]).toEqual([1, 2]);
    const status = changing({ scope: 'public' }, (of) => void (responseOf(of).statusCode = 418));
    expect([await count(status, context()), await count(status, context())]).toEqual([3, 4]);
    expect(warnings).toEqual([
      expect.stringMatching(/^results of Q are not cached: .* the header set-cookie/),
      expect.stringMatching(/^results of Q are not cached: .* the status/),
    ]);
    const neither = changing({}, () => {});
    expect([await count(neither, context()), await count(neither, context())]).toEqual([5, 5]);
  });

  it('nobody knows when there is no response, which is said once, unless the scope says whose it is', async () => {
    const server = changing({}, () => {});
    expect([await count(server, { req }), await count(server, { req })]).toEqual([1, 2]);
    expect(warnings).toEqual([expect.stringMatching(/^results of Q are not cached: .*`res`.*scope/)]);
    const open = changing({ scope: 'public' }, () => {});
    expect([await count(open, { req }), await count(open, { req })]).toEqual([3, 3]);
  });

  it.each<[string, (http: { status?: number; headers: Map<string, string> }) => void]>([
    ['header', ({ headers }) => void headers.set('x-executed', 'yes')],
    ['status', (http) => void (http.status = 203)],
  ])('as a %s of Apollo’s', async (_, change) => {
    const plugin: ApolloServerPlugin = {
      requestDidStart: async () => ({ executionDidStart: async ({ response }) => change(response.http) }),
    };
    const server = changing({}, () => {}, [plugin]);
    expect([await count(server, ANYBODY), await count(server, ANYBODY)]).toEqual([1, 2]);
  });

  it.each([
    ['set-cookie', 'is not stored', 3],
    ['etag', 'is, since the answer that was sent has other headers, too', 2],
  ])('in the background, what sets %s %s', async (header, _, expected) => {
    const server = changing({ ttl: 1, staleWhileRevalidate: 60 }, ({ res }) => {
      if (calls > 0) res!.headers[header] = `${calls}`;
    });
    const ask = (): Promise<unknown> => count(server, { req, res: new SeenResponse() });
    expect(await ask()).toBe(1);
    bench.clock.advance(2_000);
    expect(await ask()).toBe(1);
    await settle();
    expect(calls).toBe(2);
    expect(await ask()).toBe(expected);
  });

  it('but what a plugin adds to whatever is sent does not matter, which hits have, too', async () => {
    const plugin: ApolloServerPlugin = {
      requestDidStart: async () => ({
        willSendResponse: async ({ response }) => void response.http.headers.set('x-sent', String(++sent)),
      }),
    };
    let sent = 0;
    const server = changing({}, () => {}, [plugin]);
    for (const expected of ['1', '2']) {
      const { http } = await server.executeOperation(
        { query: '{ count }' },
        { contextValue: { ...ANYBODY } },
      );
      expect(http.headers.get('x-sent')).toBe(expected);
    }
    expect(calls).toBe(1);
  });
});

describe('a plugin may change what is sent', () => {
  const adding: ApolloServerPlugin = {
    requestDidStart: async () => ({
      willSendResponse: async ({ response: { body } }) => {
        if (body.kind !== 'single') return;
        const { data } = body.singleResult;
        data!['count'] = Number(data!['count']) + 100;
        body.singleResult.extensions = { ...body.singleResult.extensions, seen: true };
      },
    }),
  };

  it.each(['before', 'after'])('every time by itself, from %s the cache', async (place) => {
    const caching = operationCache(bench.cache);
    const server = new ApolloServer({
      logger: SILENT,
      typeDefs: 'type Query { count: Int! }',
      resolvers: { Query: { count: () => ++calls } },
      plugins: place === 'before' ? [adding, caching] : [caching, adding],
    });
    for (let i = 0; i < 3; i++) {
      const { body } = await server.executeOperation({ query: '{ count }' }, { contextValue: ANYBODY });
      expect(body).toMatchObject({
        singleResult: { data: { count: 101 }, extensions: { seen: true } },
      });
    }
    expect(calls).toBe(1);
  });
});

it('variables that cannot be told apart are not cached, which is said once', async () => {
  const server = serverOf({ scope: 'public' });
  const ask = (by: unknown) => count(server, {}, 'query Q($by: Any) { count(by: $by) }', { by });
  expect([await ask(() => 1), await ask(() => 2), await ask(1), await ask(1)]).toEqual([1, 2, 3, 3]);
  expect(warnings).toEqual([
    expect.stringMatching(/^results of Q are not cached: a variable.* is a function/),
  ]);
});

it('clients, who name operations, cannot fill the log', async () => {
  const server = serverOf({ scope: 'public' });
  for (let i = 0; i < 120; i++)
    await count(server, {}, `query Q${i}($by: Any) { count(by: $by) }`, { by: () => 1 });
  expect(warnings).toHaveLength(100);
});

describe('servers on one cache', () => {
  const options: OperationCacheOptions = { scope: 'public' };

  it('with other schemas have other results', async () => {
    const other = serverOf(options, 'type Query { count: Int }');
    expect([await count(serverOf(options), {}), await count(other, {}), await count(other, {})]).toEqual([
      1, 2, 2,
    ]);
  });

  it('with the same schema do not start, unless they have names, by which they share or do not', async () => {
    const named = (name: string) => serverOf({ ...options, name });
    const first = serverOf(options);
    expect(await count(first, {})).toBe(1);
    const error = await failure(serverOf(options).start());
    expect(error).toMatchObject({ code: 'CACHE_CONFIG_INVALID', option: 'name' });
    expect(error.message).toMatch(/same schema.*`name`/);
    expect([await count(named('a'), {}), await count(named('b'), {}), await count(named('a'), {})]).toEqual([
      2, 3, 2,
    ]);
    // One that has stopped is no other.
    await first.stop();
    expect(await count(serverOf(options), {})).toBe(1);
  });

  it('with the same schema on other caches are none of each other’s', async () => {
    const { cache } = await benchOf('memory');
    const typeDefs = 'type Query { count: Int }';
    const resolvers = { Query: { count: () => ++calls } };
    const plugins = [operationCache(cache, options)];
    expect(await count(serverOf(options, typeDefs), {})).toBe(1);
    expect(await count(new ApolloServer({ logger: SILENT, typeDefs, resolvers, plugins }), {})).toBe(2);
  });
});

it.each<[string, () => readonly string[], RegExp]>([
  ['a function that throws', () => nameless(), /no tags today/],
  ['too many', () => Array.from({ length: 129 }, (_, i) => `tag-${i}`), /129 tags are too many.*128/],
  ['none that can be', () => [''], /a tag must be/],
])(
  'tags that cannot be made leave the result unstored, and the request is answered: %s',
  async (_, tags, reason) => {
    const server = serverOf({ scope: 'public', tags });
    expect([await count(server, {}), await count(server, {})]).toEqual([1, 2]);
    expect(warnings).toEqual([
      expect.stringMatching(/^results of Q are not cached: their tags cannot be made/),
    ]);
    expect(warnings[0]).toMatch(reason);
  },
);

describe('results that cannot be stored', () => {
  /** A server whose query fails as long as it is to, and waits for the gate. */
  function failing() {
    const held = { gate: undefined as Deferred<void> | undefined, fails: true };
    const resolve = async (): Promise<number> => {
      calls++;
      await held.gate?.promise;
      if (held.fails) throw new Error('failed');
      return calls;
    };
    const server = new ApolloServer({
      logger: SILENT,
      typeDefs: 'type Query { count: Int }',
      resolvers: { Query: { count: resolve } },
      plugins: [operationCache(bench.cache)],
    });
    return { held, server };
  }

  it('are not waited for by others, once that is known, until they can be', async () => {
    const { held, server } = failing();
    expect(await count(server, ANYBODY)).toBeNull();
    held.gate = new Deferred();
    const asked = Array.from({ length: 10 }, () => count(server, ANYBODY));
    await until(() => calls === 11);
    held.gate.resolve();
    expect(await Promise.all(asked)).toEqual(Array(10).fill(null));
    held.fails = false;
    expect(await count(server, ANYBODY)).toBe(12);
    // It is known to be storable by now.
    held.gate = new Deferred();
    const together = [count(server, ANYBODY), count(server, ANYBODY)];
    await settle();
    held.gate.resolve();
    expect(await Promise.all(together)).toEqual([13, 13]);
    expect(await count(server, ANYBODY)).toBe(13);
  });
});

it('is not refreshed in the background where nobody resolves, but stays right', async () => {
  const found = { count: 1 };
  const plugins = [operationCache(bench.cache, { scope: 'public', ttl: 1, staleWhileRevalidate: 60 })];
  const server = new ApolloServer({
    typeDefs: 'type Query { count: Int }',
    rootValue: () => found,
    logger: SILENT,
    plugins,
  });
  expect(await count(server, {})).toBe(1);
  bench.clock.advance(2_000);
  found.count = 2;
  expect([await count(server, {}), await count(server, {})]).toEqual([1, 1]);
  await settle();
  expect(warnings).toEqual([expect.stringMatching(/no resolvers of its own.*staleWhileRevalidate/)]);
  expect(await count(server, {})).toBe(1);
  bench.clock.advance(60_000);
  expect(await count(server, {})).toBe(2);
});

it('an identity that is nobody is an error', async () => {
  const server = serverOf({ scope: 'private', identity: () => ({}) as never });
  await expect(count(server, {})).rejects.toThrow('Internal server error');
  expect(calls).toBe(0);
});

it('a cache that is closed does not matter', async () => {
  const server = serverOf({ scope: 'public' });
  await bench.close();
  expect([await count(server, {}), await count(server, {})]).toEqual([1, 2]);
  expect(warnings).toEqual([]);
});
