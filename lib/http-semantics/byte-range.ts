import { parseEntityTag } from './entity-tag.js';
import type { FieldReader } from './fields.js';
import { parseHttpDate } from './http-date.js';

/** A complete stored response, and a request for a part of it. */
export interface RangeRequest {
  readonly method: string;
  /** Of the stored response. */
  readonly status: number;
  readonly request: FieldReader;
  readonly stored: FieldReader;
  /** Bytes of the stored body. */
  readonly size: number;
  /** When the stored response came, in milliseconds since 1970. */
  readonly receivedAt: number;
}

/** Which bytes answer a request. */
export type RangeChoice =
  /** All of them, with the stored status. */
  | { readonly kind: 'whole' }
  /** Those from `first` to `last`, both included, with 206. */
  | {
      readonly kind: 'part';
      readonly first: number;
      readonly last: number;
      readonly contentRange: string;
    }
  /** None, with 416. */
  | { readonly kind: 'unsatisfiable'; readonly contentRange: string };

const WHOLE: RangeChoice = { kind: 'whole' };

/**
 * Applies `Range` and `If-Range` (RFC 9110 14) to a stored 200. Whatever is malformed, of another unit, or several ranges at once
 * gets everything, which is always a right answer.
 */
export function selectRange(asked: RangeRequest): RangeChoice {
  const range = asked.request('range');
  if (asked.method !== 'GET' || asked.status !== 200 || range === undefined) return WHOLE;
  const match = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(range);
  if (!match || !ifRangeHolds(asked)) return WHOLE;
  return match[1] === '' ? suffix(match[2]!, asked.size) : bounded(match[1]!, match[2]!, asked.size);
}

function bounded(from: string, to: string, size: number): RangeChoice {
  const first = Number(from);
  const last = to === '' ? Infinity : Number(to);
  if (last < first) return WHOLE;
  return first < size ? part(first, Math.min(last, size - 1), size) : unsatisfiable(size);
}

function suffix(length: string, size: number): RangeChoice {
  if (length === '') return WHOLE;
  const wanted = Math.min(Number(length), size);
  if (wanted > 0) return part(size - wanted, size - 1, size);
  // The end of nothing is satisfiable, but no Content-Range can say so.
  return Number(length) > 0 ? WHOLE : unsatisfiable(size);
}

function part(first: number, last: number, size: number): RangeChoice {
  return { kind: 'part', first, last, contentRange: `bytes ${first}-${last}/${size}` };
}

function unsatisfiable(size: number): RangeChoice {
  return { kind: 'unsatisfiable', contentRange: `bytes */${size}` };
}

/** Whether the client's part is of the same body (RFC 9110 13.1.5): by strong comparison, or by the very date. */
function ifRangeHolds({ request, stored, receivedAt }: RangeRequest): boolean {
  const condition = request('if-range');
  if (condition === undefined) return true;
  const wanted = parseEntityTag(condition);
  if (wanted !== undefined) {
    const etag = parseEntityTag(stored('etag'));
    return etag !== undefined && !wanted.isWeak && !etag.isWeak && wanted.opaque === etag.opaque;
  }
  const time = parseHttpDate(condition, receivedAt);
  const date = parseHttpDate(stored('date'), receivedAt);
  if (time === undefined || date === undefined) return false;
  // A date within the second in which the response was made identifies no version (RFC 9110 8.8.2.2).
  return time === parseHttpDate(stored('last-modified'), receivedAt) && date - time >= 1000;
}
