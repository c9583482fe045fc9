import type {
  ApolloServerPlugin,
  BaseContext,
  GraphQLRequestContextExecutionDidStart,
  GraphQLResponse,
} from '@apollo/server';
import type { GraphQLSchema } from 'graphql';

import type { CacheManager } from '../core/cache-manager.js';
import { LeftAlone, UNSTORABLE_MEMORY } from '../nest/left-alone.js';
import { SaidOnce } from '../nest/said-once.js';
import { processClock } from '../primitives/clock.js';
import { CacheConfigError } from '../primitives/errors.js';
import { OperationAttempt } from './operation-attempt.js';
import { type OperationCacheOptions, operationPolicy } from './operation-policy.js';
import { responseOf } from './operation-result.js';
import { startNameless } from './servers.js';

/** The most warnings: clients give operations their names. */
const MOST_SAID = 100;

/**
 * A plugin for Apollo Server that caches the results of whole queries, by server, schema, document, operation, variables and identity.
 * Concurrent requests for the same share one execution.
 *
 * **Guards of resolvers do not run on a hit**, since nothing is executed. Who may ask must be decided before the operation (in
 * middleware), or belong to `identity`.
 *
 * Not cached are mutations and subscriptions, results with errors, `@defer` and `@stream`, requests that say `Cache-Control: no-store`, and,
 * unless the scope says otherwise, requests with credentials ({@link OperationCacheOptions.scope}). Results are not stored either when
 * the execution has changed headers or status of the response (with scope `'auto'` also when the context has no response), has
 * found out who asks (`req.user`), is `PRIVATE` by `@cacheControl`, or holds what a private resolver gave somebody else. Plugins may
 * change what is sent: hits are copies, unless `isolation` says otherwise.
 *
 * A refresh in the background (`staleWhileRevalidate`, `refreshAhead`) executes the query by the resolvers of the schema: these
 * options are not for a server with a gateway, a `rootValue` or a `fieldResolver`.
 *
 * @param cache of the application: `GraphQLModule.forRootAsync({ inject: [CacheManager], … })`
 * @example `plugins: [operationCache(cache, { ttl: '1m', tags: ['catalogue'] })]`
 * @throws CacheConfigError, CacheDurationError, CacheArgumentError for wrong options. The server does not start, with
 * CacheConfigError, beside another with the same schema on the same cache, unless they have a `name`.
 */
export function operationCache(cache: CacheManager, options: OperationCacheOptions = {}): ApolloServerPlugin {
  const policy = operationPolicy(options);
  checkCache(cache);
  const parts = {
    cache,
    policy,
    notices: new SaidOnce('operationCache', 'results', MOST_SAID),
    unstorable: new LeftAlone(UNSTORABLE_MEMORY, processClock),
    resolving: new WeakSet<GraphQLSchema>(),
  };
  const attempts = new WeakMap<object, OperationAttempt>();
  return {
    async serverWillStart({ schema }) {
      if (hasResolvers(schema)) parts.resolving.add(schema);
      if (policy.name !== undefined) return {};
      const stop = startNameless(cache, schema);
      return { serverWillStop: async () => stop() };
    },
    async requestDidStart(request) {
      const attempt = new OperationAttempt(parts);
      attempts.set(request, attempt);
      return {
        async responseForOperation(operation) {
          const stored = await attempt.begin(operation);
          return stored === undefined ? null : responseOf(stored);
        },
        // Its result is there by now, and no other plugin has had it in hand.
        async executionDidStart(operation) {
          return { executionDidEnd: async () => end(attempt, operation) };
        },
        async willSendResponse() {
          attempt.giveUp();
        },
      };
    },
    async unexpectedErrorProcessingRequest({ requestContext }) {
      attempts.get(requestContext)?.giveUp();
    },
  };
}

function checkCache(cache: unknown): void {
  if (typeof (cache as Partial<CacheManager> | null | undefined)?.getOrSet === 'function') return;
  throw new CacheConfigError(
    'cache',
    'operationCache needs a cache as its first argument: `GraphQLModule.forRootAsync({ inject: [CacheManager], useFactory: (cache) => … })`',
  );
}

/** What a gateway serves has the types, and nothing behind them. Later, Apollo puts resolvers of its own everywhere. */
function hasResolvers(schema: GraphQLSchema): boolean {
  return Object.values(schema.getQueryType()?.getFields() ?? {}).every(
    ({ resolve }) => resolve !== undefined,
  );
}

function end(
  attempt: OperationAttempt,
  operation: GraphQLRequestContextExecutionDidStart<BaseContext>,
): void {
  const { body } = operation.response as Partial<GraphQLResponse>;
  if (body?.kind === 'single') attempt.finish(operation, body.singleResult);
  else attempt.giveUp();
}
