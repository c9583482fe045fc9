import type { Logger } from '@nestjs/common';

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

/** Each throws a CacheError that says what is wrong with a name. */
export const CHECKS: Readonly<Record<Part, (name: string) => unknown>> = {
  tags: (tag) => checkTags([tag]),
  paths: (path: unknown) => {
    if (typeof path === 'string' && path.startsWith('/')) return;
    throw new CacheArgumentError(
      `a path must be a string that begins with a slash, as '/products', not ${show(path)}`,
    );
  },
  keys: checkKey,
  patterns: (pattern) => new Glob(pattern),
};

/**
 * Makes what has been named unusable. It keeps little but names: it may outlive the request.
 * @returns why that is not all that was to be: one part that fails does not cost the others. It does not reject
 */
export type Invalidation = () => Promise<readonly unknown[]>;

/** A cache in which something is changed. */
export interface Affected {
  readonly cache: CacheManager;
  /** Whether what the options name is changed there, and not the addresses alone. */
  readonly isNamed: boolean;
}

/** Names what a request has changed: its address, what its response says, and what the options say. */
export function changesOf(
  exchange: Exchange,
  affected: Iterable<Affected>,
  options: InvalidatesResponsesOptions,
  result: unknown,
): Invalidation {
  const { failures, of } = named(options, exchange.request, result);
  const [keys, tags, patterns, paths] = [of('keys'), of('tags'), of('patterns'), of('paths')];
  const runs = [...affected].map(({ cache, isNamed }) => {
    const hosts = [...new Set([authorityOf(exchange.origin), ...hostsOf(cache)])];
    const own = isSafe(exchange.method) ? [] : changedAddresses(exchange, hosts);
    return isNamed
      ? invalidating(cache, keys, [...own, ...addressTags(hosts, paths), ...tags], patterns)
      : invalidating(cache, [], own, []);
  });
  return together(failures, runs);
}

/** Names what a message, a mutation or an event has changed: what the options say. It has no address. */
export function changesBeyondHttp(
  request: HttpRequest,
  options: InvalidatesResponsesOptions,
  cache: CacheManager,
  result: unknown,
): Invalidation {
  const { failures, of } = named(options, request, result);
  return together(failures, [invalidating(cache, of('keys'), of('tags'), of('patterns'))]);
}

/** What a handler did is done: whoever has asked for it is told so, and the log what else was to be. */
export function complainOf(failures: readonly unknown[], what: string, log: Logger): void {
  log.error(`${what} has succeeded, but not what it was to invalidate`, ...failures);
}

function named(options: InvalidatesResponsesOptions, request: HttpRequest, result: unknown) {
  const failures: unknown[] = [];
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

function invalidating(cache: CacheManager, ...names: Parameters<CacheManager['invalidate']>) {
  return (): Promise<void> => cache.invalidate(...names);
}

function together(failures: readonly unknown[], runs: readonly (() => Promise<void>)[]): Invalidation {
  return async () => {
    const done = await Promise.allSettled(runs.map((run) => run()));
    const rejected = done.filter((one) => one.status === 'rejected');
    return [...failures, ...rejected.map(({ reason }) => reason as unknown)];
  };
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
