import type { CallHandler, ExecutionContext } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { concat, from, Observable, throwError } from 'rxjs';

import type { CacheManager } from '../core/cache-manager.js';
import type { LoadContext } from '../core/load-context.js';
import { instanceIn, plainObjects } from '../nest/instances.js';
import { LeftAlone, UNSTORABLE_MEMORY } from '../nest/left-alone.js';
import { SaidOnce } from '../nest/said-once.js';
import { type Clock, processClock } from '../primitives/clock.js';
import { CacheClosedError, CacheValueError } from '../primitives/errors.js';
import { HandlerRun } from './handler-run.js';
import type { ReplyPolicy } from './reply-policy.js';
import { type KeyedRequest, ReplyKeys } from './reply-keys.js';
import { isOneValue, packReply, replyValue, unpackReply } from './stored-reply.js';

/** For how long a handler whose reply was a stream is left alone, in milliseconds. */
const STREAM_MEMORY = 60_000;

/** A handler has failed after it had emitted something. */
class BrokenReply extends Error {
  constructor(
    private readonly emissions: readonly unknown[],
    override readonly cause: unknown,
  ) {
    super('the handler failed after its first emission');
  }

  get reply(): Observable<unknown> {
    const failure = throwError(() => this.cause);
    return concat(from(this.emissions), failure);
  }
}

/** What became of one request: the run that it has started itself, if any. */
interface Attempt {
  run?: HandlerRun;
  answered: boolean;
}

/**
 * Caches what request handlers of microservices (`@MessagePattern`, `@GrpcMethod`) reply, by handler, pattern, payload and
 * identity.
 *
 * A reply is kept when its handler completes: as its value, or as the list of its emissions, which a hit repeats. More than
 * 1,000 emissions, or more than one second between the first and the end, are a stream, which goes through as it comes.
 * Errors are never kept, nor is a reply of `undefined`, nor one that holds instances of classes, unless `type` names their
 * class, nor one whose tags cannot be told. Concurrent requests with the same key share one run; for ten seconds after a reply
 * that could not be kept, each has its own.
 *
 * Events are let through, and so is a request whose payload cannot be told from others; the log says so once.
 */
export class ReplyCache {
  readonly #notices = new SaidOnce('ReplyCache', 'replies');
  readonly #keys: ReplyKeys;
  /** Handlers whose reply was a stream. */
  readonly #streams: LeftAlone;
  /** Keys whose reply could not be stored. */
  readonly #unstorable: LeftAlone;

  /**
   * @param container of the application that the handlers belong to
   * @param clock for tests; the process's own, unless given
   */
  constructor(
    private readonly cache: CacheManager,
    container: ModulesContainer,
    private readonly clock: Clock = processClock,
  ) {
    this.#keys = new ReplyKeys(this.#notices, container);
    this.#streams = new LeftAlone(STREAM_MEMORY, clock);
    this.#unstorable = new LeftAlone(UNSTORABLE_MEMORY, clock);
  }

  /**
   * For an interceptor: the reply to a request, from the cache or else from its handler.
   *
   * It fails with what the handler throws, with CacheLoadTimeoutError, and with what `identity` throws.
   * @param context of type `'rpc'`; `switchToHttp` is not called
   */
  serve(context: ExecutionContext, next: CallHandler, policy: ReplyPolicy): Observable<unknown> {
    const asked = this.#keys.of(context, policy);
    if (asked === undefined || this.#streams.has(asked.site) || this.#unstorable.has(asked.key))
      return next.handle();
    return new Observable((subscriber) => {
      this.#reply(asked, next, policy).then(
        // To be subscribed to in any case: that is what stops the handler of a client who has gone.
        (reply) => reply.subscribe(subscriber),
        (error: unknown) => subscriber.error(error),
      );
    });
  }

  async #reply(asked: KeyedRequest, next: CallHandler, policy: ReplyPolicy): Promise<Observable<unknown>> {
    const attempt: Attempt = { answered: false };
    const load = async (context: LoadContext): Promise<unknown> => {
      const run = await this.#run(attempt, asked, next, context);
      if (run === undefined) return undefined;
      const packed = packReply(run.emissions);
      if (this.#isStorable(asked, run.emissions, policy) && this.#tag(context, asked, packed, policy))
        return packed;
      this.#unstorable.add(asked.key);
      return undefined;
    };
    try {
      const stored = await this.cache.getOrSet(asked.key, load, policy.options);
      if (stored !== undefined) return from(unpackReply(stored));
    } catch (error) {
      if (error instanceof BrokenReply) return error.reply;
      if (!(error instanceof CacheValueError || error instanceof CacheClosedError)) throw error;
      if (error instanceof CacheValueError && attempt.run?.failure === undefined) {
        this.#notices.notCached(asked.site, 'value', error.message);
        this.#unstorable.add(asked.key);
      }
    } finally {
      attempt.answered = true;
    }
    return attempt.run?.reply ?? next.handle();
  }

  /** @returns a run that has completed; `undefined` for a stream */
  async #run(
    attempt: Attempt,
    { site }: KeyedRequest,
    next: CallHandler,
    { signal, background }: LoadContext,
  ): Promise<HandlerRun | undefined> {
    const run = new HandlerRun(next.handle(), this.clock);
    if (!background) attempt.run = run;
    signal.addEventListener('abort', () => run.abandon());
    if (await run.whole) {
      const { emissions, failure } = run;
      if (failure === undefined) return run;
      throw emissions.length > 0 ? new BrokenReply(emissions, failure.error) : failure.error;
    }
    // In the background, or for somebody who was given an older reply meanwhile.
    if (attempt.answered) run.abandon();
    if (!signal.aborted) this.#leaveStream(site);
    return undefined;
  }

  #isStorable(
    { site, isForSame }: KeyedRequest,
    emissions: readonly unknown[],
    { options }: ReplyPolicy,
  ): boolean {
    if (!isForSame()) return false;
    if (emissions.length === 1 && emissions[0] === undefined) return false;
    if (options.type !== undefined) {
      if (isOneValue(emissions)) return true;
      this.#notices.notCached(site, 'type', '`type` is for replies of one value, and this one is not');
      return false;
    }
    const found = instanceIn(emissions);
    if (found !== undefined) this.#notices.notCached(site, 'instances', plainObjects(found));
    return found === undefined;
  }

  /** @returns whether its tags are known: without them nobody could invalidate it */
  #tag(
    context: LoadContext,
    { site, request }: KeyedRequest,
    packed: unknown,
    { tagsOf }: ReplyPolicy,
  ): boolean {
    try {
      if (tagsOf !== undefined) context.addTags(tagsOf(request, replyValue(packed)));
      return true;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#notices.notCached(site, 'tags', `\`tags\` has failed: ${reason}`);
      return false;
    }
  }

  #leaveStream(site: string): void {
    this.#streams.add(site);
    this.#notices.notCached(
      site,
      'stream',
      'they are a stream: leave it out of caching, or have it complete sooner',
    );
  }
}
