import { ENTRY_OPTION_NAMES, type EntryOptions } from '../core/entry-options.js';
import { checkName, checkObject } from '../core/option-checks.js';
import { resolveOptions, unstatedOptions } from '../core/resolve-options.js';
import { CacheConfigError } from '../primitives/errors.js';
import { type AudienceOptions, audienceProblem } from './graphql-audience.js';
import { type MakeTags, splitTags } from './made-tags.js';

/** Options of entries that could do nothing here, and why. */
const SENSELESS = {
  type: 'results are plain data',
  staleIfError:
    'a failed execution is answered with its errors; give it to @CacheResolver, whose resolver has the older value then',
  loadTimeout:
    'the server executes, and cannot be stopped; give it to @CacheResolver, or a limit of time to what the resolvers call',
  negativeTtl: 'results without data are not stored',
};

/** What `operationCache` takes. */
// oxlint-disable-next-line typescript/no-explicit-any -- of the data only the application knows
export interface OperationCacheOptions<Data = any>
  extends Omit<EntryOptions, 'tags' | keyof typeof SENSELESS>, AudienceOptions {
  /** What `invalidateTags` finds the results by (at most 128), or a function of the `data` of the result. */
  tags?: readonly string[] | ((data: Data) => readonly string[]);
  /**
   * Tells servers apart that have the same schema and resolve it otherwise, in one application or in several that share Redis;
   * servers of one name share results. 1 to 128 characters, the same in every process. Without it, a server does not start
   * beside another with the same schema on the same cache.
   */
  name?: string;
}

const OPTION_NAMES = [
  'scope',
  'identity',
  'name',
  ...ENTRY_OPTION_NAMES.filter((name) => !Object.hasOwn(SENSELESS, name)),
];

/** The options of `operationCache`, checked. */
export interface OperationPolicy {
  readonly entry: EntryOptions;
  /** Of the data of a result. */
  readonly makeTags: MakeTags;
  readonly audience: AudienceOptions;
  /** Of the server. */
  readonly name: string | undefined;
}

/** @throws CacheConfigError, CacheDurationError, CacheArgumentError for wrong options */
export function operationPolicy(options: OperationCacheOptions): OperationPolicy {
  checkObject(options, 'options');
  for (const [name, reason] of Object.entries(SENSELESS)) {
    if ((options as Readonly<Record<string, unknown>>)[name] !== undefined)
      throw new CacheConfigError(name, `operationCache: ${name} is not for operations: ${reason}`);
  }
  checkObject(options, 'options', OPTION_NAMES);
  const { scope, identity, tags, name, isolation = 'clone', ...rest } = options;
  const problem = audienceProblem({ scope, identity });
  if (problem !== undefined) throw new CacheConfigError('scope', `operationCache: ${problem}`);
  const { fixed, make: makeTags } = splitTags(tags);
  // Plugins may change what is sent.
  const entry = Object.freeze({ ...rest, isolation, ...(fixed && { tags: fixed }) }) as EntryOptions;
  // Only there to have them checked.
  resolveOptions(entry, unstatedOptions(0));
  return { entry, makeTags, audience: Object.freeze({ scope, identity }), name: checkName(name, 'name') };
}
