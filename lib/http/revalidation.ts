import { currentAge } from '../http-semantics/freshness.js';
import { parseRequestDirectives, reuseOf } from '../http-semantics/request-directives.js';
import { runInBackground } from './background-request.js';
import { complainOfRefresh } from './complaints.js';
import type { Fills, Lead } from './fills.js';
import type { Replaced, RunResult } from './run-result.js';
import type { Visit } from './response-cache.js';
import { saidFreshness } from './said-freshness.js';
import type { ReadyResponse } from './stored-response.js';
import { requestFields } from './verdict.js';

/** Decides what becomes of a stored response whose own header fields say how long it lives (RFC 9111 4). */
export class Revalidation {
  /** Those in the background, of which there is one for a response. */
  readonly #running = new Set<string>();

  constructor(
    private readonly fills: Fills,
    private readonly now: () => number,
  ) {}

  /**
   * @param found what is stored, which is `stored` when it is ready to be sent
   * @returns what there is now: the same, or what the handler has made of it
   * @throws what the handler throws, unless what is stored may be served in its place
   */
  async use(
    visit: Visit,
    key: string,
    found: RunResult,
    stored: ReadyResponse,
    lead: Lead,
  ): Promise<RunResult> {
    const { exchange, route } = visit;
    const { storedAt, initialAge, freshFor } = stored;
    const freshness = saidFreshness(stored, route.policy);
    const age = currentAge(initialAge, storedAt, this.now());
    const reuse = reuseOf(freshness, age, parseRequestDirectives(requestFields(exchange)));
    if (reuse === 'fresh' || reuse === 'max-stale' || exchange.method === 'HEAD') return found;
    const late = age - freshFor;
    const mayServe =
      !freshness.forbidsStale && late < Math.max(freshness.staleIfError, route.policy.staleIfError);
    const replaced: Replaced = { stale: stored, mayServe };
    if (reuse === 'stale-while-revalidate') {
      this.#inBackground(visit, key, replaced);
      return found;
    }
    try {
      return await this.fills.again(visit, key, lead, reuse, replaced);
    } catch (error) {
      if (mayServe) return found;
      throw error;
    }
  }

  #inBackground({ exchange, route }: Visit, key: string, replaced: Replaced): void {
    if (this.#running.has(key)) return;
    this.#running.add(key);
    const run = (): ReturnType<typeof runInBackground> =>
      runInBackground(exchange, route.keyOf(exchange), this.fills.dispatch, replaced);
    // The next request finds it stale, and tries again.
    this.fills
      .replace(route, key, run)
      .catch((error: unknown) => complainOfRefresh(route, error))
      .finally(() => this.#running.delete(key));
  }
}
