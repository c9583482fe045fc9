import type { EntryOptions } from '../core/entry-options.js';
import type { AudienceOptions } from './graphql-audience.js';

/** The options of `operationCache`, checked. */
export interface OperationPolicy {
  readonly entry: EntryOptions;
  readonly audience: AudienceOptions;
}
