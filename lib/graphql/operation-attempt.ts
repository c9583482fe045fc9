import { execute, type GraphQLSchema } from 'graphql';

import type { CacheManager } from '../core/cache-manager.js';
import type { LoadContext } from '../core/load-context.js';
import type { LeftAlone } from '../nest/left-alone.js';
import type { SaidOnce } from '../nest/said-once.js';
import { CacheError, CacheValueError } from '../primitives/errors.js';
import { nameOf, type Operation, operationKey, type OperationKey } from './operation-key.js';
import type { OperationPolicy } from './operation-policy.js';
import {
  type Executed,
  type OperationResult,
  type StorableResult,
  storableResult,
  type StoredResult,
} from './operation-result.js';
import { changeOf, cookieChangeOf, responseState, type ResponseState } from './response-state.js';

/** The request is to be executed by the server. */
const EXECUTE = Symbol('execute');

/** What the attempts of one plugin have in common. */
export interface AttemptParts {
  readonly cache: CacheManager;
  readonly policy: OperationPolicy;
  readonly notices: SaidOnce;
  readonly unstorable: LeftAlone;
  /** The schemas whose queries are resolved in this process. */
  readonly resolving: WeakSet<GraphQLSchema>;
}

/**
 * One request. The server executes its operation between two hooks, so the loader that the cache calls is a promise: the
 * second hook settles it. That keeps what the cache knows of time: it takes the clock when the loader begins, and refuses
 * what an invalidation has overtaken.
 */
export class OperationAttempt {
  #finish: ((result: StorableResult | undefined) => void) | undefined;
  #key: OperationKey | undefined;
  /** The response as it was before the execution. */
  #before: ResponseState | undefined;

  constructor(private readonly parts: AttemptParts) {}

  /** @returns `undefined` when the operation is to be executed; `finish` or `giveUp` must be called then */
  async begin(operation: Operation): Promise<StoredResult | undefined> {
    const { cache, policy, notices, unstorable } = this.parts;
    const key = operationKey(operation, policy, notices);
    if (key === undefined) return undefined;
    this.#key = key;
    this.#before = responseState(operation);
    if (unstorable.hasForOthers(key.key)) return undefined;
    let answered = false;
    let begun!: (execute: typeof EXECUTE) => void;
    const begins = new Promise<typeof EXECUTE>((resolve) => (begun = resolve));
    const load = async ({ background, addTags }: LoadContext): Promise<unknown> => {
      const own = !background && !answered;
      if (own) begun(EXECUTE);
      const result = await (own ? this.#executed() : this.#refresh(operation));
      if (result !== undefined) addTags(result.tags);
      return result?.stored;
    };
    const reading = cache
      .getOrSet<unknown>(key.key, load, policy.entry)
      .catch((error: unknown) => this.#failed(operation, error))
      .finally(() => (answered = true)) as Promise<StoredResult | undefined>;
    const first = await Promise.race([reading, begins]);
    return first === EXECUTE ? undefined : first;
  }

  /** What the server's execution comes to. */
  #executed(): Promise<StorableResult | undefined> {
    return new Promise((resolve) => (this.#finish = resolve));
  }

  /** For the others who wait, and who come next: the operation has been executed. */
  finish(operation: Operation, result: OperationResult): void {
    if (this.#key === undefined) return;
    const before = this.#before!;
    const executed = { seen: before.seen, changed: changeOf(before, responseState(operation)) };
    const storable = this.#storable(operation, result, executed);
    if (storable === undefined) this.parts.unstorable.add(this.#key.key);
    else this.parts.unstorable.delete(this.#key.key);
    this.#finish?.(storable);
  }

  /** For the others who wait: nothing will come of it, unless it has been executed. */
  giveUp(): void {
    this.#finish?.(undefined);
  }

  #storable(operation: Operation, result: OperationResult, executed: Executed): StorableResult | undefined {
    const { policy, notices } = this.parts;
    const refuse = (topic: string, reason: string): undefined => {
      notices.notCached(nameOf(operation), topic, reason);
    };
    return storableResult(operation, this.#key!, policy, result, executed, refuse);
  }

  /** Executes it for nobody in particular, after the request was answered. */
  async #refresh(operation: Operation): Promise<StorableResult | undefined> {
    if (!this.parts.resolving.has(operation.schema)) throw this.#cannotRefresh(operation);
    const before = responseState(operation);
    const { schema, document, contextValue, request } = operation;
    const { variables: variableValues, operationName } = request;
    const result = (await execute({
      schema,
      document,
      contextValue,
      variableValues,
      operationName,
    })) as OperationResult;
    const [error] = result.errors ?? [];
    if (error !== undefined) throw error;
    const changed = cookieChangeOf(before, responseState(operation));
    return this.#storable(operation, result, { seen: before.seen, changed });
  }

  #cannotRefresh(operation: Operation): Error {
    const reason =
      'its schema has no resolvers of its own (a gateway, a rootValue): leave staleWhileRevalidate and refreshAhead out';
    this.parts.notices.notCached(nameOf(operation), 'refresh', reason);
    return new Error(reason);
  }

  /** A failure of the cache is none of the request. */
  #failed(operation: Operation, error: unknown): undefined {
    if (error instanceof CacheError && !(error instanceof CacheValueError)) return;
    const reason = error instanceof Error ? error.message : String(error);
    this.parts.notices.notCached(nameOf(operation), 'value', reason);
    this.parts.unstorable.add(this.#key!.key);
  }
}
