import type { CallHandler, ExecutionContext } from '@nestjs/common';
import { type GraphQLResolveInfo, OperationTypeNode } from 'graphql';
import { lastValueFrom } from 'rxjs';

import type { CacheManager } from '../core/cache-manager.js';
import { hashArguments, UnhashableError } from '../nest/decorators/args-hash.js';
import { HandlerSites } from '../nest/handler-sites.js';
import { instanceIn, plainObjects } from '../nest/instances.js';
import { SaidOnce } from '../nest/said-once.js';
import { CacheClosedError, CacheKeyError, CacheValueError } from '../primitives/errors.js';
import { hashedKey } from '../primitives/hashed-key.js';
import { audienceOfContext, UNSEEN } from './graphql-audience.js';
import { rememberPrivate } from './private-results.js';
import type { ResolverPolicy } from './resolver-policy.js';
import { selectionOf } from './selection.js';

/** Names of resolvers are those of the application: the same for all of them. */
const SITES = new WeakMap<CacheManager, HandlerSites>();

/** The results of one resolver. */
export class ResolverCache {
  readonly #notices = new SaidOnce('CacheResolver', 'results');
  readonly #sites: HandlerSites;

  constructor(
    private readonly cache: CacheManager,
    private readonly policy: ResolverPolicy,
  ) {
    this.#sites = SITES.get(cache) ?? new HandlerSites();
    SITES.set(cache, this.#sites);
  }

  /**
   * @returns `undefined` when the result is not to be cached
   * @throws CacheKeyError when `parent` or `identity` name nothing
   */
  keyOf(context: ExecutionContext): string | undefined {
    const [parent, args, graphql, info] = context.getArgs<[unknown, unknown, unknown, GraphQLResolveInfo]>();
    if (info.operation.operation !== OperationTypeNode.QUERY) return undefined;
    const field = `${info.parentType.name}.${info.fieldName}`;
    const audience = audienceOfContext(graphql, this.policy.audience, () =>
      this.#notices.notCached(field, 'audience', UNSEEN),
    );
    if (this.policy.audience.scope === 'private') rememberPrivate(graphql, audience);
    if (audience === undefined) return undefined;
    const site = this.#sites.of(context);
    if (site === undefined) {
      this.#notices.notCached(
        field,
        'name',
        'two resolver classes of one name have such a method: rename one',
      );
      return undefined;
    }
    const [text, variables] = this.policy.selection ? selectionOf(info) : ['', []];
    try {
      const values = hashArguments([this.#parent(parent, field), args, variables]);
      return `graphql:${hashedKey(['field', site, field, values, text, audience])}`;
    } catch (error) {
      if (!(error instanceof UnhashableError)) throw error;
      this.#notices.notCached(
        field,
        'arguments',
        `${placeOf(error)} is ${error.what}, which cannot be told from others`,
      );
      return undefined;
    }
  }

  /** @throws what the resolver throws, CacheLoadTimeoutError */
  async read(key: string, context: ExecutionContext, next: CallHandler): Promise<unknown> {
    const resolve = (): Promise<unknown> => lastValueFrom<unknown>(next.handle());
    let own: { readonly value: unknown } | undefined;
    const load = async (): Promise<unknown> => {
      own = { value: await resolve() };
      return this.#isStorable(own.value, context) ? own.value : undefined;
    };
    try {
      const stored = await this.cache.getOrSet(key, load, this.policy.entry);
      if (stored !== undefined) return stored;
    } catch (error) {
      if (error instanceof CacheValueError) this.#refuse(context, 'value', error.message);
      else if (!(error instanceof CacheClosedError)) throw error;
    }
    return own === undefined ? resolve() : own.value;
  }

  #parent(parent: unknown, field: string): unknown {
    if (this.policy.parent === undefined) return undefined;
    const name = this.policy.parent(parent);
    if (name !== undefined && name !== null && name !== '') return name;
    throw new CacheKeyError(
      `@CacheResolver on ${field}: parent names no parent, and all without a name would get the same: return its id`,
    );
  }

  #isStorable(value: unknown, context: ExecutionContext): boolean {
    if (this.policy.entry.type !== undefined) return true;
    const found = instanceIn(value);
    if (found !== undefined) this.#refuse(context, 'instances', plainObjects(found));
    return found === undefined;
  }

  #refuse(context: ExecutionContext, topic: string, reason: string): void {
    const { parentType, fieldName } = context.getArgByIndex<GraphQLResolveInfo>(3);
    this.#notices.notCached(`${parentType.name}.${fieldName}`, topic, reason);
  }
}

const PLACES = ['what parent returns', 'an argument', 'a variable'];

function placeOf({ where }: UnhashableError): string {
  return where.replace(/^argument (\d)/, (_, position: string) => PLACES[Number(position) - 1]!);
}
