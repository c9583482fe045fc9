import type { EntryOptions } from '../core/entry-options.js';
import type { Identity, ResponseScope } from '../nest/audience.js';
import type { RpcRequest } from './rpc-request.js';

/** How the replies of a handler are kept. */
export interface ReplyPolicy {
  /**
   * Of the entries; one object per handler, since it is looked at at every request. A function for `tags` gets what the
   * handler has emitted: the value, or the array of them when they are several or none.
   */
  readonly options: EntryOptions;
  /** Whose the replies are. With `'auto'`, requests that carry credentials are not cached: see {@link RpcRequest}. */
  readonly scope: ResponseScope;
  /** Names whoever a reply is for, with scope `'private'`. */
  readonly identity?: Identity<RpcRequest>;
}
