import type { EntryOptions } from '../core/entry-options.js';
import type { Identity, ResponseScope } from '../nest/audience.js';
import type { RpcRequest } from './rpc-request.js';

/** How the replies of a handler are kept. */
export interface ReplyPolicy {
  /** Of the entries; one frozen object per handler, since it is looked at at every request. */
  readonly options: Omit<EntryOptions, 'tags'> & { readonly tags?: readonly string[] };
  /** Tags of a reply besides those of the options. `reply` is the value, or the array of all emissions when they are several or none. */
  readonly tagsOf?: (request: RpcRequest, reply: unknown) => readonly string[];
  /** Whose the replies are. With `'auto'`, requests that carry credentials are not cached: see {@link RpcRequest}. */
  readonly scope: ResponseScope;
  /** Names whoever a reply is for, with scope `'private'`. */
  readonly identity?: Identity<RpcRequest>;
}
