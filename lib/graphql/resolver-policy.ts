import type { EntryOptions } from '../core/entry-options.js';
import type { AudienceOptions } from './graphql-audience.js';

/** The options of `@CacheResolver`, checked. */
export interface ResolverPolicy {
  readonly entry: EntryOptions;
  readonly audience: AudienceOptions;
  readonly selection: boolean;
  readonly parent: ((parent: unknown) => unknown) | undefined;
}
