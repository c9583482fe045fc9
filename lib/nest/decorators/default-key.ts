import type { CacheManager } from '../../core/cache-manager.js';
import { escapeKeyPart } from '../../primitives/escape.js';
import { hashArguments, UnhashableError } from './args-hash.js';
import type { MethodSite } from './method-site.js';

/** The classes that share a beginning of default keys: the one an instance is of, and the one that has the method. */
interface Owners {
  readonly runtime: object;
  readonly defining: object;
}

/** For each cache, who uses which beginning. */
const OWNERS = new WeakMap<CacheManager, Map<string, Owners>>();

/**
 * Keys for a method that was given none: `Class:method:<hash of the arguments>`. A method that an instance's class inherits
 * has its own class in the key too, `Derived:Base.method:<hash>`, so that an override that calls `super` asks for another
 * entry than its own.
 * @throws CacheDecoratorError when the method is named by a symbol
 */
export function defaultKey(
  site: MethodSite,
): (cache: CacheManager, self: object, args: readonly unknown[]) => string {
  if (typeof site.key === 'symbol') {
    throw site.definitionError('a method that is named by a symbol needs a key: a template or a function');
  }
  const defining = site.prototype.constructor;
  const method = escapeKeyPart(site.key);
  return (cache, self, args) => {
    const runtime = self.constructor;
    const inherited = runtime === defining ? '' : `${className(defining, site)}.`;
    const prefix = `${className(runtime, site)}:${inherited}${method}:`;
    claim(cache, prefix, { runtime, defining }, site);
    return prefix + hash(args, site);
  };
}

function className(owner: { name: string }, site: MethodSite): string {
  if (owner.name !== '') return escapeKeyPart(owner.name);
  throw site.keyError('an anonymous class has no name for its keys: give a key, as a template or a function');
}

/** Two classes of one name would serve each other's values. */
function claim(cache: CacheManager, prefix: string, owners: Owners, site: MethodSite): void {
  let claimed = OWNERS.get(cache);
  if (claimed === undefined) OWNERS.set(cache, (claimed = new Map()));
  const other = claimed.get(prefix);
  if (other === undefined) {
    claimed.set(prefix, owners);
  } else if (other.runtime !== owners.runtime || other.defining !== owners.defining) {
    throw site.keyError(
      `another class of the same name uses the keys '${prefix}…' in this cache: give a key, as a template or a function`,
    );
  }
}

function hash(args: readonly unknown[], site: MethodSite): string {
  try {
    return hashArguments(args);
  } catch (error) {
    if (!(error instanceof UnhashableError)) throw error;
    throw site.keyError(
      `${error.message}, which has no faithful hash: give a key that names what matters, as a template ` +
        "('…:{param.id}') or a function",
    );
  }
}
