import type { CallHandler, ExecutionContext } from '@nestjs/common';
import { concat, from, Observable, throwError } from 'rxjs';

import type { CacheManager } from '../core/cache-manager.js';
import type { EntryOptions } from '../core/entry-options.js';
import type { LoadContext } from '../core/load-context.js';
import { instanceIn } from '../nest/instances.js';
import { SaidOnce } from '../nest/said-once.js';
import { type Clock, processClock } from '../primitives/clock.js';
import { CacheClosedError, CacheValueError } from '../primitives/errors.js';
import { HandlerRun } from './handler-run.js';
import type { ReplyPolicy } from './reply-policy.js';
import { ReplyKeys } from './reply-keys.js';
import { packReply, replyValue, unpackReply } from './stored-reply.js';

/** For how long a handler whose reply was a stream is left alone, in milliseconds. */
const STREAM_MEMORY = 60_000;

/** A handler has failed after it had emitted something. */
class BrokenReply extends Error {
  constructor(
    readonly emissions: readonly unknown[],
    override readonly cause: unknown,
  ) {
    super('the handler failed after its first emission');
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
 * class. Concurrent requests with the same key share one run.
 *
 * Events are let through, and so is a request whose payload cannot be told from others; the log says so once.
 */
export class ReplyCache {
  readonly #notices = new SaidOnce('ReplyCache', 'replies');
  readonly #keys = new ReplyKeys(this.#notices);
  /** Handlers whose reply was a stream, and until when they are left alone. */
  readonly #streams = new Map<string, number>();
  readonly #entryOptions = new WeakMap<EntryOptions, EntryOptions>();

  /** @param clock for tests; the process's own, unless given */
  constructor(
    private readonly cache: CacheManager,
    private readonly clock: Clock = processClock,
  ) {}

  /**
   * For an interceptor: the reply to a request, from the cache or else from its handler.
   *
   * It fails with what the handler throws, with CacheLoadTimeoutError, and with what the functions of the policy throw.
   * @param context of type `'rpc'`; `switchToHttp` is not called
   */
  serve(context: ExecutionContext, next: CallHandler, policy: ReplyPolicy): Observable<unknown> {
    const site = this.#keys.siteOf(context);
    if (site === undefined || this.#isStream(site)) return next.handle();
    const key = this.#keys.keyOf(site, context, policy);
    if (key === undefined) return next.handle();
    return new Observable((subscriber) => {
      this.#reply(key, site, next, policy).then(
        // To be subscribed to in any case: that is what stops the handler of a client who has gone.
        (reply) => reply.subscribe(subscriber),
        (error: unknown) => subscriber.error(error),
      );
    });
  }

  async #reply(
    key: string,
    site: string,
    next: CallHandler,
    { options }: ReplyPolicy,
  ): Promise<Observable<unknown>> {
    const attempt: Attempt = { answered: false };
    const load = async (context: LoadContext): Promise<unknown> => {
      const run = await this.#run(attempt, site, next, context);
      return run && this.#storable(site, run.emissions, options, context);
    };
    try {
      const stored = await this.cache.getOrSet(key, load, this.#entryOptionsOf(options));
      if (stored !== undefined) return from(unpackReply(stored));
      return attempt.run?.reply ?? next.handle();
    } catch (error) {
      if (error instanceof BrokenReply)
        return concat(
          from(error.emissions),
          throwError(() => error.cause),
        );
      if (!(error instanceof CacheValueError || error instanceof CacheClosedError)) throw error;
      if (error instanceof CacheValueError && attempt.run?.failure === undefined)
        this.#notices.notCached(site, 'value', error.message);
      return attempt.run?.reply ?? next.handle();
    } finally {
      attempt.answered = true;
    }
  }

  /** @returns a run that has completed; `undefined` for a stream */
  async #run(
    attempt: Attempt,
    site: string,
    next: CallHandler,
    { signal }: LoadContext,
  ): Promise<HandlerRun | undefined> {
    const run = new HandlerRun(next.handle(), this.clock);
    if (!attempt.answered) attempt.run = run;
    signal.addEventListener('abort', () => run.abandon());
    if (await run.whole) {
      const { emissions, failure } = run;
      if (failure === undefined) return run;
      throw emissions.length > 0 ? new BrokenReply(emissions, failure.error) : failure.error;
    }
    // In the background, or for somebody who was given an older reply meanwhile.
    if (attempt.answered) run.abandon();
    if (!signal.aborted) this.#rememberStream(site);
    return undefined;
  }

  /** @returns what is to be stored; `undefined` for what cannot be */
  #storable(
    site: string,
    emissions: readonly unknown[],
    { type }: EntryOptions,
    context: LoadContext,
  ): unknown {
    if (emissions.length === 1 && emissions[0] === undefined) context.skip();
    const packed = packReply(emissions);
    if (type !== undefined) {
      if (packed === emissions[0]) return packed;
      this.#notices.notCached(site, 'type', '`type` is for replies of one value, and this one is not');
      return undefined;
    }
    const found = instanceIn(emissions);
    if (found === undefined) return packed;
    this.#notices.notCached(
      site,
      'instances',
      `they hold instances of ${found}, which would come back as plain objects: name the class as \`type\`, or return plain data`,
    );
    return undefined;
  }

  #entryOptionsOf(options: EntryOptions): EntryOptions {
    const { tags } = options;
    if (typeof tags !== 'function') return options;
    let own = this.#entryOptions.get(options);
    if (own === undefined) {
      own = Object.freeze({ ...options, tags: (stored: unknown) => tags(replyValue(stored)) });
      this.#entryOptions.set(options, own);
    }
    return own;
  }

  #isStream(site: string): boolean {
    const until = this.#streams.get(site);
    if (until === undefined) return false;
    if (this.clock.now() < until) return true;
    this.#streams.delete(site);
    return false;
  }

  #rememberStream(site: string): void {
    this.#streams.set(site, this.clock.now() + STREAM_MEMORY);
    this.#notices.notCached(
      site,
      'stream',
      'they are a stream: leave it out of caching, or have it complete sooner',
    );
  }
}
