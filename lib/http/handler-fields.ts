import type { OutgoingHttpHeader, OutgoingHttpHeaders } from 'node:http';

import type { Exchange } from './exchange.js';
import { OF_THE_BODY } from './sending.js';
import type { StoredResponse } from './stored-response.js';

type Changes = Pick<StoredResponse, 'fields' | 'removed'>;

/** What freshness, validation and selection are decided by, whoever has set it: `@Header` does so before interceptors. */
const JUDGED = new Set([
  'age',
  'cache-control',
  'cdn-cache-control',
  'date',
  'etag',
  'expires',
  'last-modified',
  'vary',
]);

const NONE: ReadonlySet<string> = new Set();

/** The header fields of a response that are its handler's own: not those of middleware, guards and interceptors, which say theirs on every request. */
export class HandlerFields {
  /** The names of those that interceptors around have set on hearing of the handler's value: they do so on a hit, too. */
  readonly #setAround = new Set<string>();
  readonly #judged: ReadonlySet<string>;

  constructor(
    private readonly exchange: Exchange,
    byOrigin: boolean,
  ) {
    this.#judged = byOrigin ? JUDGED : NONE;
  }

  /** Tells the interceptors around something, and notes what they set then. */
  tellAround(tell: () => void): void {
    const { response, before } = this.exchange;
    const was = response.getHeaders();
    tell();
    const is = response.getHeaders();
    for (const name in is) {
      if (is[name] !== was[name] && was[name] === before[name]) this.#setAround.add(name.toLowerCase());
    }
  }

  /** Takes back what was done to the fields by a response that is not sent after all; cookies are the client's own in any case. */
  takeBack(): void {
    const { raw, response, before } = this.exchange;
    const { fields, removed } = changedFields(response.getHeaders(), before, NONE);
    for (const name of [...fields.map(([own]) => own), ...removed]) {
      if (this.#setAround.has(name) || name === 'set-cookie') continue;
      response.removeHeader(name);
      const value = before[name];
      if (value === undefined) raw.removeHeader(name);
      else raw.setHeader(name, value);
    }
  }

  /** Those that were set or changed, and the names of those that were removed. */
  changed(): Changes {
    const { raw, before } = this.exchange;
    const { fields, removed } = changedFields(raw.getHeaders(), before, this.#judged);
    const isStored = (name: string): boolean =>
      !this.#setAround.has(name) || OF_THE_BODY.includes(name) || this.#judged.has(name);
    return { fields: fields.filter(([name]) => isStored(name)), removed };
  }
}

/**
 * The fields that differ from those that were there `before`.
 * @param always names of those that are wanted in any case
 */
function changedFields(
  now: OutgoingHttpHeaders,
  before: OutgoingHttpHeaders,
  always: ReadonlySet<string>,
): Changes {
  const isWanted = ([name, value]: [string, OutgoingHttpHeader | undefined]): boolean =>
    value !== undefined && name !== 'cache-status' && (always.has(name) || !isSame(value, before[name]));
  const fields = Object.entries(now)
    .filter(isWanted)
    .map(([name, value]) => [name, Array.isArray(value) ? value.map(String) : String(value)] as const);
  return { fields, removed: Object.keys(before).filter((name) => now[name] === undefined) };
}

function isSame(a: OutgoingHttpHeader | undefined, b: OutgoingHttpHeader | undefined): boolean {
  if (b === undefined) return false;
  return a === b || JSON.stringify([a].flat().map(String)) === JSON.stringify([b].flat().map(String));
}
