import type { Subscriber } from 'rxjs';

import type { LoadContext } from '../core/load-context.js';
import { type BackgroundRun, type Dispatch, RefreshError, runInBackground } from './background-request.js';
import { complainOfRefresh } from './complaints.js';
import { FailedAnswer } from './failed-answer.js';
import { HandlerRun } from './handler-run.js';
import type { Finished, Replaced, RunResult } from './run-result.js';
import type { Visit } from './response-cache.js';
import type { ForwardReason } from '../http-semantics/cache-status.js';
import type { Route } from './route.js';
import { saidFreshness, usefulFor } from './said-freshness.js';
import { isUncacheable, readyResponse, type StoredResponse } from './stored-response.js';

/** How long it is remembered that a response may not be stored, in seconds: so long nobody waits for another's. */
const REMEMBERED = 10;

/** Whoever may have to run the handler for its own answer. */
export interface Lead {
  readonly subscriber: Subscriber<unknown>;
  /** Is told of the run, if it comes to that. */
  readonly leads: (run: HandlerRun) => void;
}

/** A run whose result replaces what is stored. The first to end is stored: to `setResult` each is a write that the others collide with. */
interface Replacement {
  overtaken: boolean;
}

/** Runs handlers, and has what they answer stored: unless something that was invalidated meanwhile may be in it. */
export class Fills {
  /** The runs that replace what is stored under a key, side by side. */
  readonly #replacing = new Map<string, Set<Replacement>>();

  constructor(
    readonly dispatch: Dispatch,
    private readonly now: () => number,
  ) {}

  /** One run for all who ask meanwhile. */
  async shared(visit: Visit, key: string, lead: Lead): Promise<RunResult> {
    try {
      return await this.#shared(visit, key, lead);
    } catch (error) {
      // It is the answer to one of them.
      if (error instanceof FailedAnswer) return { uncacheable: 'status', next: 'once' };
      // It was begun for somebody else, who may be denied what others may see.
      if (error instanceof RefreshError) return { uncacheable: 'failed', next: 'retry' };
      throw error;
    }
  }

  #shared(visit: Visit, key: string, lead: Lead): Promise<RunResult> {
    const { exchange, route } = visit;
    return route.cache.getOrSet<RunResult>(
      key,
      async (context) => {
        if (!context.background) return settle(context, route, await this.#lead(visit, lead, 'uri-miss'));
        const replaced = context.stale?.value;
        // Only responses are refreshed: whoever finds one of these runs the handler himself.
        if (replaced !== undefined && isUncacheable(replaced)) {
          context.skip();
          return replaced;
        }
        try {
          const run = runInBackground(exchange, route.keyOf(exchange), this.dispatch);
          return settle(context, route, await run);
        } catch (error) {
          complainOfRefresh(route, error);
          throw error;
        }
      },
      // What is known before, so that nobody who comes after an invalidation waits for a run from before it.
      { ...route.entry, tags: [...route.namesOf(exchange), ...route.policy.tags] },
    );
  }

  /** A run that nobody waits for: the last answer was not to be stored. This one may be. */
  async alone(visit: Visit, key: string, lead: Lead): Promise<void> {
    await this.#store(visit.route, key, () => this.#lead(visit, lead, 'uri-miss'));
  }

  /** A run that replaces what is stored. */
  again(visit: Visit, key: string, lead: Lead, why: ForwardReason, replaced: Replaced): Promise<RunResult> {
    return this.replace(visit.route, key, () => this.#lead(visit, lead, why, replaced));
  }

  /** Stores what a run gives in place of what was there. If it is not to be stored, that is not the answer any more either. */
  async replace(route: Route, key: string, run: () => Promise<Finished>): Promise<RunResult> {
    const value = await this.#store(route, key, run);
    if (isUncacheable(value) && value.next === 'run') await route.cache.delete(key);
    return value;
  }

  async #store(route: Route, key: string, run: () => Promise<Finished>): Promise<RunResult> {
    let finished: Finished | undefined;
    const own: Replacement = { overtaken: false };
    const all = this.#replacing.get(key) ?? new Set();
    this.#replacing.set(key, all.add(own));
    try {
      return await route.cache.setResult<RunResult>(
        async () => (finished = await run()).value,
        (result) => {
          const ttl = isUncacheable(result) ? 0 : keptFor(result, route);
          if (ttl <= 0 || own.overtaken) return undefined;
          for (const other of all) other.overtaken = true;
          return { key, options: { ...route.entry, ttl: ttl / 1000, tags: finished!.tags } };
        },
      );
    } finally {
      all.delete(own);
      if (all.size === 0) this.#replacing.delete(key);
    }
  }

  /** @param background what waits for it, when there is no client */
  run(visit: Visit, subscriber: Subscriber<unknown>, background: BackgroundRun): Promise<Finished> {
    const run = new HandlerRun(visit.exchange, visit.route, {}, this.now, background.replaced);
    // What is stale is with the client already.
    run.settle();
    return run.start(visit.next, subscriber);
  }

  #lead(visit: Visit, lead: Lead, fwd: ForwardReason, replaced?: Replaced): Promise<Finished> {
    const run = new HandlerRun(visit.exchange, visit.route, { fwd, stored: true }, this.now, replaced);
    lead.leads(run);
    return run.start(visit.next, lead.subscriber);
  }
}

/**
 * Decides how a run's result is stored.
 * @throws RefreshError when a refresh has failed
 */
function settle(context: LoadContext<RunResult>, route: Route, { value, tags, status }: Finished): RunResult {
  context.addTags(tags);
  if (isUncacheable(value)) {
    if (value.next === 'run') context.setTtl(REMEMBERED);
    else if (context.background && (status >= 500 || value.uncacheable !== 'status')) {
      throw new RefreshError(`it was answered ${status}: ${value.uncacheable}`);
    } else {
      // What was stored is not what there is any more.
      context.skip();
    }
    return value;
  }
  const ttl = keptFor(value, route);
  if (ttl > 0) context.setTtl(ttl / 1000);
  else context.skip();
  return value;
}

/** How long it is of any use, in milliseconds. */
function keptFor(stored: StoredResponse, { policy }: Route): number {
  if (!policy.byOrigin) return stored.freshFor;
  const ready = readyResponse(stored)!;
  return usefulFor(ready.field, saidFreshness(ready, policy), policy);
}
