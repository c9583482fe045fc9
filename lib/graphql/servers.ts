import { type GraphQLSchema, printSchema } from 'graphql';

import type { CacheManager } from '../core/cache-manager.js';
import { CacheConfigError } from '../primitives/errors.js';
import { hashedKey } from '../primitives/hashed-key.js';

/** Schemas are made once and used often. */
const DIGESTS = new WeakMap<GraphQLSchema, string>();

/** By caches, the schemas of the servers that run without a name. */
const NAMELESS = new WeakMap<CacheManager, Set<string>>();

/** Of two servers in one application, or of two versions of one, the same document may mean different things. */
export function schemaDigest(schema: GraphQLSchema): string {
  let digest = DIGESTS.get(schema);
  if (digest === undefined) DIGESTS.set(schema, (digest = hashedKey([printSchema(schema)])));
  return digest;
}

/**
 * A server starts that has no name: nothing but its schema tells its results from those of others.
 * @returns is to be called when it stops
 * @throws CacheConfigError when another has the same schema
 */
export function startNameless(cache: CacheManager, schema: GraphQLSchema): () => void {
  const digest = schemaDigest(schema);
  const running = NAMELESS.get(cache) ?? new Set();
  NAMELESS.set(cache, running);
  if (running.has(digest)) {
    throw new CacheConfigError(
      'name',
      'operationCache: another server has the same schema and the same cache, and they would be given each other’s results: ' +
        'give each a `name`, or the same one to both if they resolve alike',
    );
  }
  running.add(digest);
  return () => void running.delete(digest);
}
