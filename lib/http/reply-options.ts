import { type CacheResponseOptions, type NamedResponseOptions, NAMES } from './cache-response-options.js';

type OptionName = keyof CacheResponseOptions;

/** Options that replies of microservices have as well. All others are about HTTP. */
const OF_REPLIES: ReadonlySet<string> = new Set<OptionName>([
  'ttl',
  'tags',
  'scope',
  'identity',
  'staleWhileRevalidate',
  'staleIfError',
  'jitter',
  'refreshAhead',
  'tiers',
  'type',
  'cache',
]);

/** What is left of options for replies. */
export function replyOptions(options: NamedResponseOptions): NamedResponseOptions {
  const own = Object.entries(options).filter(([name]) => OF_REPLIES.has(name));
  return { ...Object.fromEntries(own), [NAMES]: options[NAMES] };
}

/** The names of options that mean nothing to replies. */
export function httpOptionNames(options: CacheResponseOptions): string[] {
  return Object.entries(options)
    .filter(([name, value]) => value !== undefined && !OF_REPLIES.has(name))
    .map(([name]) => name);
}
