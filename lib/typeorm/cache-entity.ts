import 'reflect-metadata';

import { resolveOptions, unstatedOptions } from '../core/resolve-options.js';
import { didYouMean } from '../primitives/did-you-mean.js';
import { show } from '../primitives/show.js';
import { CacheEntityError } from '../repository/errors.js';
import type { EntityEntryOptions } from '../repository/entity-cache.js';
import type { ReadContext } from '../repository/read-context.js';
import { ENTITY_OPTION_NAMES } from './read-options.js';

/** How an entity is cached. */
export interface CacheEntityOptions<Entity = unknown> extends EntityEntryOptions {
  /** What keys begin with: `user` → `user:42`. Default: the class' name, its first letter in lower case. */
  name?: string;
  /**
   * Properties that are never stored, as password hashes: instances from the cache, and those that go into it, lack them.
   * Columns with `select: false` are left out in any case.
   */
  exclude?: readonly (keyof Entity & string)[];
  /**
   * Columns, or to-one relations, that lists are filtered by: a query with `where: { authorId: 5 }` is then outdated only by
   * writes to rows of author 5, and not by every write to the table. Whole numbers, UUIDs, booleans, enums and strings.
   */
  partitionBy?: readonly (keyof Entity & string)[];
  /**
   * Whose rows the caller may see, where not everybody sees all: a tenant's id, for instance. Asked at each read of this
   * entity, and of others together with it; different contexts share no entries. Writes are heard of in all of them.
   * `undefined` is for what everybody may see. Anything but a string that is not empty, a finite number or `undefined` makes
   * the read fail with a CacheEntityError.
   */
  context?: ReadContext;
}

const NAMES = ['name', 'exclude', 'partitionBy', 'context', ...ENTITY_OPTION_NAMES];
const KEY = Symbol('nestjs-tiered-cache:entity');
/** Only there to have options checked. */
const UNDECIDED = unstatedOptions(0);

/**
 * Lets `CachedRepositoryModule` cache an entity of TypeORM.
 * @throws CacheEntityError for wrong options, when the class is defined
 */
export function CacheEntity<Entity = Record<string, unknown>>(
  options: CacheEntityOptions<Entity> = {},
): ClassDecorator {
  return (target) => {
    Reflect.defineMetadata(KEY, checked(options as CacheEntityOptions, target.name), target);
  };
}

/** Options with all names decided. */
export interface EntityPolicy {
  readonly name: string;
  /** With what the classes exclude that it extends. */
  readonly exclude: readonly string[];
  readonly partitionBy: readonly string[];
  /** Those of the classes that it extends as well. */
  readonly contexts: readonly ReadContext[];
  readonly options: EntityEntryOptions;
}

/**
 * What `@CacheEntity` said of a class; `undefined` if nothing, of the classes it extends neither. The nearest one counts, but
 * what one of them hides or keeps apart stays so.
 */
export function policyOf(target: unknown): EntityPolicy | undefined {
  if (typeof target !== 'function') return undefined;
  const all = declaredOf(target);
  const [options] = all;
  if (options === undefined) return undefined;
  const { name, exclude: _, partitionBy = [], context: __, ...entry } = options;
  const own = Reflect.hasOwnMetadata(KEY, target) ? name : undefined;
  return {
    name: own ?? target.name.charAt(0).toLowerCase() + target.name.slice(1),
    exclude: [...new Set(all.flatMap(({ exclude }) => exclude ?? []))],
    partitionBy,
    contexts: [...new Set(all.flatMap(({ context }) => context ?? []))],
    options: entry,
  };
}

/** The options of a class and of those that it extends, its own first. */
function declaredOf(target: object): CacheEntityOptions[] {
  const found: CacheEntityOptions[] = [];
  for (let one: object | null = target; one !== null; one = Object.getPrototypeOf(one) as object | null) {
    const options = Reflect.getOwnMetadata(KEY, one) as CacheEntityOptions | undefined;
    if (options !== undefined) found.push(options);
  }
  return found;
}

function checked(options: CacheEntityOptions, entity: string): CacheEntityOptions {
  const refuse = (message: string): never => {
    throw new CacheEntityError(`@CacheEntity on ${entity}: ${message}`);
  };
  if (typeof options !== 'object' || options === null) refuse('the options must be an object');
  for (const name of Object.keys(options)) {
    if (!NAMES.includes(name)) refuse(`there is no option '${name}'${didYouMean(name, NAMES)}`);
  }
  const { name, exclude = [], partitionBy = [], context, ...entry } = options;
  if (name !== undefined && !/^[\w.-]{1,64}$/.test(name)) {
    refuse(`name must be up to 64 letters, digits, '_', '-' and '.', not ${show(name)}`);
  }
  for (const [option, list] of Object.entries({ exclude, partitionBy })) {
    if (!Array.isArray(list) || !list.every((one) => typeof one === 'string')) {
      refuse(`${option} must be a list of property names`);
    }
  }
  if (context !== undefined && typeof context !== 'function') refuse('context must be a function');
  try {
    resolveOptions(entry, UNDECIDED);
  } catch (error) {
    refuse((error as Error).message);
  }
  return Object.freeze({ ...options });
}
