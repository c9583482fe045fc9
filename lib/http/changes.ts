import type { CacheManager } from '../core/cache-manager.js';
import { CacheArgumentError } from '../primitives/errors.js';
import { Glob } from '../primitives/glob.js';
import { checkKey } from '../primitives/key.js';
import { show } from '../primitives/show.js';
import { checkTags } from '../primitives/tags.js';
import { addressTags, changedAddresses, isSafe } from './addresses.js';
import type { Exchange, HttpRequest } from './exchange.js';
import type { InvalidatesResponsesOptions } from './invalidates-responses.js';
import { hostsOf } from './known-hosts.js';
import { authorityOf } from './request-target.js';

type Part = 'tags' | 'paths' | 'keys' | 'patterns';

const CHECKS: Readonly<Record<Part, (name: string) => unknown>> = {
  tags: (tag) => checkTags([tag]),
  paths: (path) => {
    if (typeof path !== 'string') throw new CacheArgumentError(`a path must be a string, not ${show(path)}`);
  },
  keys: checkKey,
  patterns: (pattern) => new Glob(pattern),
};

/** What a request has changed, by name. */
export interface Invalidation {
  /** Why it is not all: one part that cannot be named does not cost the others. */
  readonly failures: readonly Error[];
  readonly run: () => Promise<void>;
}

/** Names what a request has changed: its address, what its response says, and what the options say. */
export function changesOf(
  exchange: Exchange,
  options: InvalidatesResponsesOptions,
  cache: CacheManager,
  result: unknown,
): Invalidation {
  const { failures, of } = named(options, exchange.request, result);
  const hosts = [...new Set([authorityOf(exchange.origin), ...hostsOf(cache)])];
  const own = isSafe(exchange.method) ? [] : changedAddresses(exchange, hosts);
  const paths = addressTags(hosts, of('paths'));
  const run = invalidating(cache, of('keys'), [...own, ...paths, ...of('tags')], of('patterns'));
  return { failures, run };
}

/** Names what a message, a mutation or an event has changed: what the options say. It has no address. */
export function changesBeyondHttp(
  request: HttpRequest,
  options: InvalidatesResponsesOptions,
  cache: CacheManager,
  result: unknown,
): Invalidation {
  const { failures, of } = named(options, request, result);
  return { failures, run: invalidating(cache, of('keys'), of('tags'), of('patterns')) };
}

function named(options: InvalidatesResponsesOptions, request: HttpRequest, result: unknown) {
  const failures: Error[] = [];
  const of = (part: Part): readonly string[] => {
    const fail = (error: unknown): void => {
      const why = error instanceof Error ? error.message : show(error);
      failures.push(new CacheArgumentError(`${part}: ${why}`, { cause: error }));
    };
    try {
      return wellFormed(part, namesOf(options[part], request, result), fail);
    } catch (error) {
      fail(error);
      return [];
    }
  };
  return { failures, of };
}

/** It keeps nothing but names: it may outlive the request. */
function invalidating(cache: CacheManager, ...names: Parameters<CacheManager['invalidate']>) {
  return (): Promise<void> => cache.invalidate(...names);
}

function namesOf(
  names: InvalidatesResponsesOptions[Part],
  request: HttpRequest,
  result: unknown,
): readonly string[] {
  const given: unknown = typeof names === 'function' ? names(request, result) : (names ?? []);
  if (Array.isArray(given)) return given as string[];
  throw new CacheArgumentError(`the function gave ${show(given)}: return a list of strings`);
}

function wellFormed(part: Part, names: readonly string[], fail: (error: unknown) => void): readonly string[] {
  return names.filter((name) => {
    try {
      CHECKS[part](name);
      return true;
    } catch (error) {
      fail(error);
      return false;
    }
  });
}
