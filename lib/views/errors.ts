import { CacheError, type CacheErrorDetails } from '../primitives/errors.js';

/**
 * A template cannot be found, read or told from another one: it or one that it includes does not exist, its includes are only
 * known when it is rendered, or a fragment is rendered inside one that does not say so. `template` names it.
 */
export class CacheTemplateError extends CacheError {
  readonly code = 'CACHE_TEMPLATE_INVALID';

  constructor(
    /** The name of the template that has to be put right. */
    readonly template: string,
    message: string,
    details?: CacheErrorDetails,
  ) {
    super(message, details);
  }
}
