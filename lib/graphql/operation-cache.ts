import type {
  ApolloServerPlugin,
  BaseContext,
  GraphQLRequestContextExecutionDidStart,
  GraphQLResponse,
} from '@apollo/server';
import type { GraphQLSchema } from 'graphql';

import type { CacheManager } from '../core/cache-manager.js';
import { ENTRY_OPTION_NAMES, type EntryOptions } from '../core/entry-options.js';
import { checkObject } from '../core/option-checks.js';
import { resolveOptions, unstatedOptions } from '../core/resolve-options.js';
import { SaidOnce } from '../nest/said-once.js';
import { CacheConfigError } from '../primitives/errors.js';
import { type AudienceOptions, audienceProblem } from './graphql-audience.js';
import { splitTags } from './made-tags.js';
import { OperationAttempt } from './operation-attempt.js';
import type { OperationPolicy } from './operation-policy.js';
import { responseOf } from './operation-result.js';
import { Unstorable } from './unstorable.js';

/** What {@link operationCache} takes. */
// oxlint-disable-next-line typescript/no-explicit-any -- of the data only the application knows
export interface OperationCacheOptions<Data = any>
  extends Omit<EntryOptions, 'tags' | 'type'>, AudienceOptions {
  /** What `invalidateTags` finds the results by, or a function of the `data` of the result. */
  tags?: readonly string[] | ((data: Data) => readonly string[]);
}

const OPTION_NAMES = ['scope', 'identity', ...ENTRY_OPTION_NAMES.filter((name) => name !== 'type')];

/**
 * A plugin for Apollo Server that caches the results of whole queries, by schema, document, operation, variables and identity.
 * Concurrent requests for the same share one execution.
 *
 * **Guards of resolvers do not run on a hit**, since nothing is executed. Who may ask must be decided before the operation (in
 * middleware), or belong to `identity`.
 *
 * Not cached are mutations and subscriptions, results with errors, `@defer` and `@stream`, requests that say `Cache-Control: no-store`, and,
 * unless the scope says otherwise, requests with credentials ({@link AudienceOptions.scope}). Results are not stored either when
 * the execution has changed headers or status of the response (with scope `'auto'` also when the context has no response), has
 * found out who asks (`req.user`), is `PRIVATE` by `@cacheControl`, or holds what a private resolver gave somebody else. Plugins may
 * change what is sent: hits are copies, unless `isolation` says otherwise.
 *
 * A refresh in the background (`staleWhileRevalidate`, `refreshAhead`) executes the query by the resolvers of the schema: these
 * options are not for a server with a gateway, a `rootValue` or a `fieldResolver`.
 *
 * @param cache of the application: `GraphQLModule.forRootAsync({ inject: [CacheManager], … })`
 * @example `plugins: [operationCache(cache, { ttl: '1m', tags: ['catalogue'] })]`
 * @throws CacheConfigError, CacheDurationError, CacheArgumentError for wrong options
 */
export function operationCache(cache: CacheManager, options: OperationCacheOptions = {}): ApolloServerPlugin {
  const notices = new SaidOnce('operationCache', 'results');
  const parts = {
    cache,
    policy: policyOf(options),
    notices,
    unstorable: new Unstorable(),
    resolving: new WeakSet<GraphQLSchema>(),
  };
  const attempts = new WeakMap<object, OperationAttempt>();
  return {
    async serverWillStart({ schema }) {
      if (hasResolvers(schema)) parts.resolving.add(schema);
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

function policyOf(options: OperationCacheOptions): OperationPolicy {
  checkObject(options, 'options', OPTION_NAMES);
  const { scope, identity, tags, isolation = 'clone', ...rest } = options;
  const problem = audienceProblem({ scope, identity });
  if (problem !== undefined) throw new CacheConfigError('scope', `operationCache: ${problem}`);
  const { fixed, make: makeTags } = splitTags(tags);
  // Plugins may change what is sent.
  const entry = Object.freeze({ ...rest, isolation, ...(fixed && { tags: fixed }) }) as EntryOptions;
  // Only there to have them checked.
  resolveOptions(entry, unstatedOptions(0));
  return { entry, makeTags, audience: Object.freeze({ scope, identity }) };
}
