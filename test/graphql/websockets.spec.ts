import { HeaderMap } from '@apollo/server';
import type { ApolloDriver } from '@nestjs/apollo';
import { Context, GraphQLModule, Query, Resolver } from '@nestjs/graphql';
import { type ExecutionArgs, print } from 'graphql';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { audienceOfContext } from '../../lib/graphql/graphql-audience.js';
import { CacheResolver, operationCache } from '../../lib/graphql/index.js';
import type { CacheManager } from '../../lib/index.js';
import { closeGraphQLApps, type GraphQLApp, graphqlApp, WARNINGS } from './graphql-apps.js';

/** As graphql-ws has it. */
interface Connection {
  readonly connectionParams?: Readonly<Record<string, string>>;
  readonly extra?: {
    user?: { name: string };
    viewer?: string;
    readonly request: { readonly headers: Readonly<Record<string, string>> };
  };
  readonly headers?: Readonly<Record<string, string>>;
}

/** Whoever asks, by any of the ways in which applications find out. */
function whoAsks({ connectionParams, extra, headers }: Connection): string {
  const said = connectionParams?.['Authorization'] ?? connectionParams?.['token'];
  const found = extra?.user?.name ?? extra?.viewer;
  return found ?? said ?? (headers ?? extra?.request.headers)?.['cookie'] ?? 'nobody';
}

let calls = 0;
beforeEach(() => void (calls = 0));
afterEach(closeGraphQLApps);

@Resolver()
class Resolved {
  @Query(() => String)
  @CacheResolver({ ttl: 60 })
  me(@Context() { req }: { req: Connection }): string {
    calls++;
    return whoAsks(req);
  }
}

@Resolver()
class Executed {
  @Query(() => String)
  me(@Context() { req }: { req: Connection }): string {
    calls++;
    return whoAsks(req);
  }
}

/** An application whose WebSockets are executed by graphql-js, as Nest does it, or by Apollo's server. */
async function start(by: 'resolver' | 'operation', onConnect?: (connection: Connection) => void) {
  const served: { app?: GraphQLApp } = {};
  const execute = async ({ document, contextValue }: ExecutionArgs) => {
    const { graphQlAdapter } = served.app!.app.get<GraphQLModule<ApolloDriver>>(GraphQLModule);
    const { body } = await graphQlAdapter.instance.executeOperation(
      { query: print(document) },
      { contextValue: contextValue as object },
    );
    return body.kind === 'single' ? body.singleResult : undefined;
  };
  const options = { ...(onConnect && { onConnect }), ...(by === 'operation' && { execute }) };
  served.app = await graphqlApp({
    providers: [by === 'resolver' ? Resolved : Executed],
    plugins: (cache: CacheManager) => (by === 'operation' ? [operationCache(cache, { ttl: 60 })] : []),
    graphql: { subscriptions: { 'graphql-ws': options as object } },
  });
  return served.app;
}

/** Asks over a WebSocket of its own. */
async function askBySocket({ app }: GraphQLApp, params?: Record<string, unknown>, cookie?: string) {
  class Socket extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols, cookie === undefined ? {} : { headers: { cookie } });
    }
  }
  const url = `${(await app.getUrl()).replace('http', 'ws')}/graphql`;
  const client = createClient({ url, webSocketImpl: Socket, ...(params && { connectionParams: params }) });
  try {
    for await (const { data } of client.iterate<{ me: string }>({ query: '{ me }' })) return data?.me;
    return undefined;
  } finally {
    await client.dispose();
  }
}

describe.each(['resolver', 'operation'] as const)('by %s, over a WebSocket', (by) => {
  it.each<[string, (name: string) => [params?: Record<string, unknown>, cookie?: string]]>([
    ['Authorization in connectionParams', (name) => [{ Authorization: name }]],
    ['a parameter of another name', (name) => [{ token: name }]],
    ['a cookie', (name) => [undefined, name]],
  ])('%s says who asks', async (_, credentials) => {
    const app = await start(by);
    for (let i = 0; i < 2; i++)
      for (const name of ['ann', 'bob']) expect(await askBySocket(app, ...credentials(name))).toBe(name);
    expect(calls).toBe(4);
    expect(await app.ask('{ me }')).toEqual({ data: { me: 'nobody' } });
    expect(await askBySocket(app, ...credentials('ann'))).toBe('ann');
  });

  it.each<[string, (extra: NonNullable<Connection['extra']>, name: string) => void]>([
    ['extra.user', (extra, name) => void (extra.user = { name })],
    ['extra, by any name', (extra, name) => void (extra.viewer = name)],
  ])('whoever onConnect has put into %s is seen', async (_, remember) => {
    const names = ['ann', 'bob', 'ann'];
    const app = await start(by, ({ extra }) => remember(extra!, names.shift()!));
    expect(await askBySocket(app)).toBe('ann');
    expect(await askBySocket(app)).toBe('bob');
    expect(await app.ask('{ me }')).toEqual({ data: { me: 'nobody' } });
    expect(await askBySocket(app)).toBe('ann');
    expect(calls).toBe(4);
  });

  it('nobody in particular shares results with nobody over HTTP', async () => {
    const app = await start(by);
    expect(await app.ask('{ me }')).toEqual({ data: { me: 'nobody' } });
    expect(await askBySocket(app)).toBe('nobody');
    expect(await askBySocket(app, {})).toBe('nobody');
    expect(calls).toBe(1);
    expect(WARNINGS).toEqual([]);
  });
});

describe('the audience of a context', () => {
  const audience = (context: unknown) => {
    let unseen = false;
    const found = audienceOfContext(context, {}, () => (unseen = true));
    return unseen ? 'unseen' : found;
  };
  const upgrade = { headers: { host: 'here' } };

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['no request', {}],
    ['a request without headers', { req: {} }],
    ['a WebSocket whose request is not told', { req: { connectionParams: {}, extra: { socket: {} } } }],
    ['parameters, and no request', { connectionParams: { token: 'ann' } }],
  ])('cannot be seen: %s', (_, context) => {
    expect(audience(context)).toBe('unseen');
  });

  it.each<[string, unknown]>([
    ['a request', { req: { headers: {} } }],
    ['a WebSocket', { req: { extra: { socket: {}, request: upgrade } } }],
    ['a WebSocket as the context itself', { connectionParams: undefined, extra: { request: upgrade } }],
  ])('is everybody: %s', (_, context) => {
    expect(audience(context)).toBe('');
  });

  it.each<[string, unknown]>([
    ['parameters beside the request', { req: { headers: {} }, connectionParams: { token: 1 } }],
    ['parameters of the context itself', { extra: { request: upgrade }, connectionParams: { a: 1 } }],
    ['a user in extra of the context itself', { extra: { request: upgrade, user: 'ann' } }],
    ['a user of the upgrade request', { req: { extra: { request: { ...upgrade, user: 'ann' } } } }],
    ['the credentials of an upgrade request', { req: { extra: { request: { headers: { Cookie: 'a' } } } } }],
    ['the Headers of Fetch', { req: { headers: new Headers({ authorization: 'ann' }) } }],
    ['headers in a Map', { req: { headers: new HeaderMap([['cookie', 'a=1']]) } }],
  ])('is somebody: %s', (_, context) => {
    expect(audience(context)).toBeUndefined();
  });
});
