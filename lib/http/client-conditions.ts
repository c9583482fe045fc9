import type { FieldReader } from '../http-semantics/fields.js';
import type { Exchange } from './exchange.js';

/** Request fields that would have the handler answer that the client has it already. */
const VALIDATORS = ['if-none-match', 'if-modified-since'] as const;

/** Request fields that would have the handler answer with less than all. */
export const CONDITIONS = [...VALIDATORS, 'range', 'if-range'] as const;

/** What a client asks for, kept while the handler is asked for the response, or whether it has changed. */
export class ClientConditions {
  readonly #own: ReadonlyMap<string, string>;

  /** @param stored has the validators of what is to be validated */
  constructor(
    private readonly exchange: Exchange,
    stored: FieldReader | undefined,
  ) {
    const { headers } = exchange.request;
    const fields = headers as Record<string, string | undefined>;
    this.#own = new Map(
      CONDITIONS.flatMap((name) => (fields[name] === undefined ? [] : [[name, fields[name]]])),
    );
    // A handler that gives parts is not asked for more: of a large file that is what a client can use.
    for (const name of stored === undefined ? VALIDATORS : CONDITIONS) delete fields[name];
    const etag = stored?.('etag');
    const modified = stored?.('last-modified');
    if (etag !== undefined) fields['if-none-match'] = etag;
    if (modified !== undefined) fields['if-modified-since'] = modified;
  }

  /** The client's own again: what is sent goes by them. */
  restore(): void {
    const fields = this.exchange.request.headers as Record<string, string | undefined>;
    for (const name of CONDITIONS) delete fields[name];
    for (const [name, value] of this.#own) fields[name] = value;
  }
}
