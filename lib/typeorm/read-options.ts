import { ENTRY_OPTION_NAMES } from '../core/entry-options.js';
import { didYouMean } from '../primitives/did-you-mean.js';
import { CacheArgumentError } from '../primitives/errors.js';
import { show } from '../primitives/show.js';
import type { EntityEntryOptions } from '../repository/entity-cache.js';

/** Decided by the repository itself. */
const OWN: ReadonlySet<string> = new Set(['tags', 'type', 'isolation']);

/** The entry options that may be given for an entity or a read of it. */
export const ENTITY_OPTION_NAMES = ENTRY_OPTION_NAMES.filter((name) => !OWN.has(name));

const NOTHING: EntityEntryOptions = Object.freeze({});

/**
 * The entry options among those of a read.
 * @param besides the one that is no entry option
 * @throws CacheArgumentError for others: tags of a reader's own would replace those by which writes outdate the entry
 */
export function entryOptionsOf(options: object | undefined, besides: string): EntityEntryOptions {
  if (options === undefined) return NOTHING;
  if (typeof options !== 'object' || options === null)
    throw new CacheArgumentError(`options must be an object, not ${show(options)}`);
  const entry: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (name === besides) continue;
    if (!(ENTITY_OPTION_NAMES as readonly string[]).includes(name)) throw unknown(name, besides);
    entry[name] = value;
  }
  return entry;
}

function unknown(name: string, besides: string): CacheArgumentError {
  const names = [besides, ...ENTITY_OPTION_NAMES];
  return new CacheArgumentError(
    OWN.has(name)
      ? `${name} cannot be given here: the repository decides it. These can: ${names.join(', ')}`
      : `unknown option ${name}${didYouMean(name, names)}: these can be given here: ${names.join(', ')}`,
  );
}
