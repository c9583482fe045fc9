import { ApolloServer } from '@apollo/server';
import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, expect, it } from '@jest/globals';

import { operationCache, type OperationCacheOptions } from '../../lib/graphql/index.js';
import { type Bench, benchOf, closeBenches } from '../support/caches.js';
import { settle } from '../support/deferred.js';

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

const ANYBODY = { req: { headers: {} } };

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

it('variables that cannot be told apart are not cached, which is said once', async () => {
  const server = serverOf({ scope: 'public' });
  const ask = (by: unknown) => count(server, {}, 'query Q($by: Any) { count(by: $by) }', { by });
  expect([await ask(() => 1), await ask(() => 2), await ask(1), await ask(1)]).toEqual([1, 2, 3, 3]);
  expect(warnings).toEqual([
    expect.stringMatching(/^results of Q are not cached: a variable.* is a function/),
  ]);
});

it('servers with other schemas have other results', async () => {
  const options: OperationCacheOptions = { scope: 'public' };
  const other = serverOf(options, 'type Query { count: Int }');
  expect([await count(serverOf(options), {}), await count(other, {}), await count(other, {})]).toEqual([
    1, 2, 2,
  ]);
  expect(await count(serverOf(options), {})).toBe(1);
});

it('tags that cannot be made leave the result unstored, and the request is answered', async () => {
  const tags = (): string[] => {
    throw new Error('no tags today');
  };
  const server = serverOf({ scope: 'public', tags });
  expect([await count(server, {}), await count(server, {})]).toEqual([1, 2]);
  expect(warnings).toEqual([expect.stringContaining('no tags today')]);
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
