import { ApolloServer } from '@apollo/server';
import { afterEach, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { operationCache, type OperationCacheOptions } from '../../lib/graphql/index.js';
import { benchOf, closeBenches } from '../support/caches.js';

afterEach(closeBenches);

interface Asker {
  readonly req: {
    readonly headers: Readonly<Record<string, string>>;
    readonly user?: { readonly id: string };
  };
  /** That there is one is enough. */
  readonly res?: { getHeaders(): object };
}

const typeDefs = `
  type Query { me: Me! add(a: Int = 0, b: Int = 0): Int! }
  type Me { name: String! shout(by: String = "!"): String! self: Me! }
`;

const nameOf = ({ req }: Asker): string =>
  req.user?.id ?? req.headers['authorization'] ?? req.headers['cookie'] ?? 'nobody';

const resolvers = {
  Query: { me: () => ({}), add: (_: unknown, { a, b }: { a: number; b: number }) => a * 10 + b },
  Me: {
    name: (_: unknown, _args: unknown, asker: Asker) => nameOf(asker),
    shout: (_: unknown, { by }: { by: string }, asker: Asker) => nameOf(asker) + by,
    self: () => ({}),
  },
};

/** Much the same, and never quite. */
const DOCUMENTS = [
  '{ me { name } }',
  '{ me { x: name } }',
  '{ x: me { name } }',
  'query A { me { name } } query B { add(a: 1) }',
  'query A { me { shout } } query B { add(b: 1) }',
  'query A($v: Int, $w: Int) { add(a: $v, b: $w) }',
  'query A($v: Int, $w: Int) { add(a: $w, b: $v) }',
  'query A($v: Int = 3) { add(a: $v) }',
  'query A($yes: Boolean = true) { me { name @include(if: $yes) self { shout(by: "?") } } }',
  'query A($yes: Boolean = true) { me { name @skip(if: $yes) self { shout(by: "?") } } }',
  '{ me { ...F } } fragment F on Me { name }',
  '{ me { ...F } } fragment F on Me { shout }',
];

const ASKERS: readonly Asker[] = [
  { req: { headers: {} } },
  { req: { headers: { accept: '*/*' } } },
  { req: { headers: { authorization: 'ann' } } },
  { req: { headers: { authorization: 'bob' } } },
  { req: { headers: { cookie: 'bob' } } },
  { req: { headers: { cookie: 'eve' } } },
  { req: { headers: {}, user: { id: 'ann' } } },
  { req: { headers: { cookie: 'bob' }, user: { id: 'nobody' } } },
];

const request = fc.record({
  query: fc.constantFrom(...DOCUMENTS),
  variables: fc.record(
    { v: fc.constantFrom(0, 1, null), w: fc.constantFrom(0, 1), yes: fc.boolean() },
    { requiredKeys: [] },
  ),
  operationName: fc.constantFrom('A', 'B', undefined),
  asker: fc.constantFrom(...ASKERS),
});

const res = { getHeaders: () => ({}) };

async function answer(
  server: ApolloServer<Asker>,
  { asker: contextValue, ...asked }: { asker: Asker; query: string },
) {
  const { body } = await server.executeOperation(asked, { contextValue: { ...contextValue, res } });
  return body.kind === 'single' ? body.singleResult : body;
}

it.each<[string, OperationCacheOptions]>([
  ['auto', {}],
  ['private', { scope: 'private', identity: (context: Asker) => nameOf(context) }],
])('with scope %s every answer is what it would be without a cache', async (_, options) => {
  const { cache } = await benchOf('memory + redis');
  const plain = new ApolloServer<Asker>({ typeDefs, resolvers });
  const cached = new ApolloServer<Asker>({ typeDefs, resolvers, plugins: [operationCache(cache, options)] });
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 2, maxLength: 30 }), async (requests) => {
      const answers = await Promise.all(requests.map((asked) => answer(cached, asked)));
      const expected = await Promise.all(requests.map((asked) => answer(plain, asked)));
      expect(JSON.stringify(answers)).toBe(JSON.stringify(expected));
    }),
    { numRuns: 150 },
  );
  expect(cache.stats().hits).toBeGreaterThan(20);
});
