import type { EntryOptions } from '../core/entry-options.js';
import type { AudienceOptions } from './graphql-audience.js';
import type { MakeTags } from './made-tags.js';

/** The options of `operationCache`, checked. */
export interface OperationPolicy {
  readonly entry: EntryOptions;
  /** Of the data of a result. */
  readonly makeTags: MakeTags;
  readonly audience: AudienceOptions;
}
