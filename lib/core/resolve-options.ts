import type { ClassType } from '../codec/class-type.js';
import { didYouMean } from '../primitives/did-you-mean.js';
import { type Duration, parseDuration } from '../primitives/duration.js';
import { CacheArgumentError } from '../primitives/errors.js';
import { show } from '../primitives/show.js';
import { checkEntryTags } from '../primitives/tags.js';
import type { RefreshAhead } from '../tiers/lifetime.js';
import type { Isolation } from '../tiers/values.js';
import { ENTRY_OPTION_NAMES, type EntryOptions, type LoadTimeout } from './entry-options.js';

/** Entry options with everything decided. */
export interface ResolvedOptions {
  /** Milliseconds; 0 means do not store. */
  readonly ttl: number;
  readonly tags: readonly string[] | undefined;
  readonly tagsOf: ((value: unknown) => readonly string[]) | undefined;
  readonly type: ClassType | undefined;
  readonly isolation: Isolation | undefined;
  readonly memory: boolean;
  readonly redis: boolean;
  readonly strict: boolean;
  readonly policy: Policy;
  readonly refreshAhead: RefreshAhead | undefined;
}

/** What happens when a value has expired, or a load takes long or fails. Milliseconds. */
export interface Policy {
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
  readonly jitter: number;
  readonly negativeTtl: number | undefined;
  readonly softTimeout: number | undefined;
  readonly hardTimeout: number | undefined;
}

const NO_POLICY: Policy = {
  staleWhileRevalidate: 0,
  staleIfError: 0,
  jitter: 0,
  negativeTtl: undefined,
  softTimeout: undefined,
  hardTimeout: undefined,
};

/** What an entry gets when nobody says anything but its ttl, in milliseconds. */
export function unstatedOptions(ttl: number): ResolvedOptions {
  return {
    ttl,
    tags: undefined,
    tagsOf: undefined,
    type: undefined,
    isolation: undefined,
    memory: true,
    redis: true,
    strict: false,
    policy: NO_POLICY,
    refreshAhead: undefined,
  };
}

const NAMES: ReadonlySet<string> = new Set(ENTRY_OPTION_NAMES);
const POLICY_NAMES = [
  'staleWhileRevalidate',
  'staleIfError',
  'jitter',
  'negativeTtl',
  'loadTimeout',
] as const;
const MOST_BETA = 100;
const ISOLATIONS: readonly unknown[] = ['share', 'freeze', 'clone'];
const TIERS: readonly unknown[] = ['memory', 'redis'];

/**
 * Checks a call's options and fills in what they leave open.
 * @throws CacheDurationError, CacheArgumentError
 */
export function resolveOptions(
  options: EntryOptions<never> | undefined,
  defaults: ResolvedOptions,
): ResolvedOptions {
  if (options === undefined) return defaults;
  if (typeof options !== 'object' || options === null)
    throw new CacheArgumentError('options must be an object');
  for (const name in options) if (!NAMES.has(name)) throw unknownOption(name);
  const { ttl, tags, type, isolation, tiers, strict } = options as EntryOptions;
  if (type !== undefined && typeof type !== 'function') throw new CacheArgumentError('type must be a class');
  if (isolation !== undefined && !ISOLATIONS.includes(isolation)) {
    throw new CacheArgumentError(`isolation must be 'share', 'freeze' or 'clone', not ${show(isolation)}`);
  }
  if (tiers !== undefined) checkTiers(tiers);
  if (strict !== undefined && typeof strict !== 'boolean') {
    throw new CacheArgumentError(`strict must be true or false, not ${show(strict)}`);
  }
  const { refreshAhead } = options as EntryOptions;
  return {
    ttl: ttl === undefined ? defaults.ttl : parseDuration(ttl, 'ttl'),
    tags: tags === undefined ? defaults.tags : typeof tags === 'function' ? undefined : checkEntryTags(tags),
    tagsOf: tags === undefined ? defaults.tagsOf : typeof tags === 'function' ? tags : undefined,
    type: type ?? defaults.type,
    isolation: isolation ?? defaults.isolation,
    memory: tiers === undefined ? defaults.memory : tiers.includes('memory'),
    redis: tiers === undefined ? defaults.redis : tiers.includes('redis'),
    strict: strict ?? defaults.strict,
    policy: resolvePolicy(options as EntryOptions, defaults.policy),
    refreshAhead: refreshAhead === undefined ? defaults.refreshAhead : checkRefreshAhead(refreshAhead),
  };
}

function resolvePolicy(options: EntryOptions, defaults: Policy): Policy {
  if (!POLICY_NAMES.some((name) => options[name] !== undefined)) return defaults;
  const { staleWhileRevalidate, staleIfError, jitter, negativeTtl, loadTimeout } = options;
  if (jitter !== undefined && !(typeof jitter === 'number' && jitter >= 0 && jitter <= 1)) {
    throw new CacheArgumentError(`jitter must be a fraction from 0 to 1, not ${show(jitter)}`);
  }
  const { soft, hard } = checkLoadTimeout(loadTimeout);
  return {
    staleWhileRevalidate:
      optional(staleWhileRevalidate, 'staleWhileRevalidate') ?? defaults.staleWhileRevalidate,
    staleIfError: optional(staleIfError, 'staleIfError') ?? defaults.staleIfError,
    jitter: jitter ?? defaults.jitter,
    negativeTtl: optional(negativeTtl, 'negativeTtl') ?? defaults.negativeTtl,
    softTimeout: loadTimeout === undefined ? defaults.softTimeout : soft,
    hardTimeout: loadTimeout === undefined ? defaults.hardTimeout : hard,
  };
}

function optional(duration: Duration | undefined, name: string): number | undefined {
  return duration === undefined ? undefined : parseDuration(duration, name);
}

function checkLoadTimeout(timeout: LoadTimeout | undefined): { soft?: number; hard?: number } {
  if (timeout === undefined) return {};
  if (typeof timeout !== 'object' || timeout === null || Array.isArray(timeout)) {
    throw new CacheArgumentError(`loadTimeout must be { soft, hard }, not ${show(timeout)}`);
  }
  for (const name in timeout) {
    if (name !== 'soft' && name !== 'hard') {
      throw new CacheArgumentError(`unknown option loadTimeout.${name}: allowed are soft, hard`);
    }
  }
  const soft = optional(timeout.soft, 'loadTimeout.soft');
  const hard = optional(timeout.hard, 'loadTimeout.hard');
  if (soft === 0 || hard === 0) throw new CacheArgumentError('loadTimeout must be longer than 0');
  if (soft !== undefined && hard !== undefined && soft >= hard) {
    throw new CacheArgumentError('loadTimeout.soft must be shorter than loadTimeout.hard');
  }
  return { ...(soft !== undefined && { soft }), ...(hard !== undefined && { hard }) };
}

function checkRefreshAhead(ahead: RefreshAhead | false): RefreshAhead | undefined {
  if (ahead === false) return undefined;
  if (typeof ahead === 'number' && ahead > 0 && ahead < 1) return ahead;
  if (typeof ahead === 'object' && ahead !== null && Object.keys(ahead).join('') === 'beta') {
    const { beta } = ahead;
    if (typeof beta === 'number' && beta > 0 && beta <= MOST_BETA) return { beta };
  }
  throw new CacheArgumentError(
    `refreshAhead must be a fraction of the ttl between 0 and 1, { beta } with a number above 0 and up to ${MOST_BETA}, or false, not ${show(ahead)}`,
  );
}

function unknownOption(name: string): CacheArgumentError {
  const known = ENTRY_OPTION_NAMES.join(', ');
  return new CacheArgumentError(
    `unknown option ${name}${didYouMean(name, ENTRY_OPTION_NAMES)}: an entry's options are ${known}`,
  );
}

function checkTiers(tiers: unknown): void {
  if (Array.isArray(tiers) && tiers.length > 0 && tiers.every((tier) => TIERS.includes(tier))) return;
  throw new CacheArgumentError(
    `tiers must be a list of 'memory' and 'redis', not ${Array.isArray(tiers) ? `[${tiers.map(show).join(', ')}]` : show(tiers)}`,
  );
}
