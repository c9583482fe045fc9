import type { CallHandler, ExecutionContext } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { type GraphQLResolveInfo, OperationTypeNode } from 'graphql';
import { types } from 'node:util';
import { lastValueFrom } from 'rxjs';

import type { CacheManager } from '../core/cache-manager.js';
import type { LoadContext } from '../core/load-context.js';
import { hashArguments, UnhashableError } from '../nest/decorators/args-hash.js';
import { HandlerSites } from '../nest/handler-sites.js';
import { instanceIn, plainObjects } from '../nest/instances.js';
import { LeftAlone, UNSTORABLE_MEMORY } from '../nest/left-alone.js';
import { SaidOnce } from '../nest/said-once.js';
import { processClock } from '../primitives/clock.js';
import { CacheClosedError, CacheKeyError, CacheValueError } from '../primitives/errors.js';
import { hashedKey } from '../primitives/hashed-key.js';
import { audienceOfContext, UNSEEN } from './graphql-audience.js';
import { tagProblem } from './made-tags.js';
import { rememberPrivate } from './private-results.js';
import type { ResolverPolicy } from './resolver-policy.js';
import { selectionOf } from './selection.js';

/** What a result is stored under, and whose it is. */
export interface ResolverKey {
  readonly key: string;
  readonly audience: string;
}

/** The results of one resolver. */
export class ResolverCache {
  readonly #notices = new SaidOnce('CacheResolver', 'results');
  readonly #sites: HandlerSites;
  readonly #unstorable = new LeftAlone(UNSTORABLE_MEMORY, processClock);

  constructor(
    private readonly cache: CacheManager,
    private readonly policy: ResolverPolicy,
    container: ModulesContainer,
  ) {
    this.#sites = new HandlerSites(container);
  }

  /**
   * @returns `undefined` when the result is not to be cached
   * @throws CacheKeyError when `parent` or `identity` name nothing
   */
  keyOf(context: ExecutionContext): ResolverKey | undefined {
    const [parent, args, graphql, info] = context.getArgs<[unknown, unknown, unknown, GraphQLResolveInfo]>();
    if (info.operation.operation !== OperationTypeNode.QUERY) return undefined;
    const field = `${info.parentType.name}.${info.fieldName}`;
    const audience = this.#audienceOf(graphql, field);
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
      return { key: `graphql:${hashedKey(['field', site, field, values, text, audience])}`, audience };
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
  async read(asked: ResolverKey, context: ExecutionContext, next: CallHandler): Promise<unknown> {
    const { key } = asked;
    const resolve = (): Promise<unknown> => lastValueFrom<unknown>(next.handle());
    if (this.#unstorable.hasForOthers(key)) return resolve();
    let own: { readonly value: unknown } | undefined;
    const load = async ({ addTags }: LoadContext): Promise<unknown> => {
      own = { value: await resolve() };
      const tags = this.#storableBy(own.value, asked, context);
      if (tags === undefined) {
        this.#unstorable.add(key);
        return undefined;
      }
      addTags(tags);
      this.#unstorable.delete(key);
      return own.value;
    };
    try {
      const stored = await this.cache.getOrSet(key, load, this.policy.entry);
      if (stored !== undefined) return stored;
    } catch (error) {
      if (error instanceof CacheValueError) {
        this.#refuse(context, 'value', error.message);
        this.#unstorable.add(key);
      } else if (!(error instanceof CacheClosedError)) throw error;
    }
    return own === undefined ? resolve() : own.value;
  }

  /** @param field what the log says it of, when it cannot be known */
  #audienceOf(graphql: unknown, field?: string): string | undefined {
    return audienceOfContext(graphql, this.policy.audience, () => {
      if (field !== undefined) this.#notices.notCached(field, 'audience', UNSEEN);
    });
  }

  #parent(parent: unknown, field: string): unknown {
    if (this.policy.parent === undefined) return undefined;
    const name = this.policy.parent(parent);
    const parts: readonly unknown[] = Array.isArray(name) ? name : [name];
    if (parts.some((part) => part !== undefined && part !== null && part !== '')) return name;
    throw new CacheKeyError(
      `@CacheResolver on ${field}: parent names no parent, and all without a name would get the same: return its id`,
    );
  }

  /** @returns by which tags a result is found; `undefined` when it cannot be stored */
  #storableBy(
    value: unknown,
    { audience }: ResolverKey,
    context: ExecutionContext,
  ): readonly string[] | undefined {
    if (value === undefined || failsInPart(value)) return undefined;
    // A pipe or the resolver may have found out who asks.
    if (this.#audienceOf(context.getArgByIndex(2)) !== audience) return undefined;
    const { entry, makeTags } = this.policy;
    const found = entry.type === undefined ? instanceIn(value) : undefined;
    if (found !== undefined) return this.#refuse(context, 'instances', plainObjects(found));
    try {
      return makeTags(value);
    } catch (error) {
      return this.#refuse(context, 'tags', tagProblem(error));
    }
  }

  #refuse(context: ExecutionContext, topic: string, reason: string): undefined {
    const { parentType, fieldName } = context.getArgByIndex<GraphQLResolveInfo>(3);
    this.#notices.notCached(`${parentType.name}.${fieldName}`, topic, reason);
  }
}

/** What resolvers return as an error, alone or in a list, GraphQL takes for thrown. */
function failsInPart(value: unknown): boolean {
  return Array.isArray(value) ? value.some(failsInPart) : types.isNativeError(value);
}

const PLACES = ['what parent returns', 'an argument', 'a variable'];

function placeOf({ where }: UnhashableError): string {
  return where.replace(/^argument (\d)/, (_, position: string) => PLACES[Number(position) - 1]!);
}
