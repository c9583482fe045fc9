import type { EntryOptions } from '../core/entry-options.js';
import type { AudienceOptions } from './graphql-audience.js';
import type { MakeTags } from './made-tags.js';

/** The options of `@CacheResolver`, checked. */
export interface ResolverPolicy {
  readonly entry: EntryOptions;
  readonly makeTags: MakeTags;
  readonly audience: AudienceOptions;
  readonly selection: boolean;
  readonly parent: ((parent: unknown) => unknown) | undefined;
}
