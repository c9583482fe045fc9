import { isUtf8 } from 'node:buffer';
import { validateHeaderName, validateHeaderValue } from 'node:http';

import type { Selection } from './route.js';
import { type FieldPairs, type FieldReader, readPairs } from '../http-semantics/fields.js';

/** A response as it is stored. */
export interface StoredResponse {
  readonly status: number;
  /** Those that were set or changed after the interceptor was entered: the others are set anew on every request. */
  readonly fields: FieldPairs;
  /** In lower case: those that were there when the interceptor was entered, and were gone at the end. */
  readonly removed: readonly string[];
  /** What requests have to have in the fields that `Vary` names. */
  readonly selects: Selection;
  /** Text where the bytes are UTF-8. */
  readonly body: string | Uint8Array;
  /** Whether it came in pieces, without its length said before. */
  readonly chunked: boolean;
  /** By the clock of the machine that stored it, in milliseconds: for `Age`, which is told and decides nothing. */
  readonly storedAt: number;
  /** How old it was then, in milliseconds: something else may have kept it before. */
  readonly initialAge: number;
  /** How old it may become and be fresh, in milliseconds. */
  readonly freshFor: number;
}

/** What is kept of a response that may not be stored. */
export interface Uncacheable {
  /** Why. */
  readonly uncacheable: string;
  /**
   * What the next requests do: `'run'`, each runs the handler, for as long as this is remembered; `'once'`, those that have waited
   * run it, and the next ones try again; `'retry'`, those that have waited try again.
   */
  readonly next: 'run' | 'once' | 'retry';
}

/** A stored response, ready to be sent. */
export interface ReadyResponse extends StoredResponse {
  readonly bytes: Buffer;
  /** Reads the stored fields. */
  readonly field: FieldReader;
}

const READY = new WeakMap<StoredResponse, ReadyResponse>();

/**
 * What was found, ready to be sent; the same for the same object.
 * @returns `undefined` for what is no response: it may come from Redis, and is not trusted
 */
export function readyResponse(found: StoredResponse): ReadyResponse | undefined {
  const known = READY.get(found);
  if (known !== undefined) return known;
  if (!isResponse(found)) return undefined;
  const ready = { ...found, bytes: Buffer.from(found.body as string), field: readPairs(found.fields) };
  READY.set(found, ready);
  return ready;
}

/** @returns a response that can be sent; `undefined` for what is none, or cannot be trusted to be one */
export function readyOf(found: StoredResponse | Uncacheable | undefined): ReadyResponse | undefined {
  if (typeof found !== 'object' || found === null || isUncacheable(found)) return undefined;
  return readyResponse(found);
}

export function isUncacheable(found: StoredResponse | Uncacheable): found is Uncacheable {
  return typeof found === 'object' && found !== null && 'uncacheable' in found;
}

/** Bytes in the form that is stored: text takes less room in the codec. */
export function storedBody(bytes: Buffer): string | Uint8Array {
  return isUtf8(bytes) ? bytes.toString() : bytes;
}

function isResponse(found: Partial<StoredResponse>): found is StoredResponse {
  const { status, fields, removed, selects, body, storedAt, initialAge, freshFor } = found;
  return (
    Number.isInteger(status) &&
    status! >= 200 &&
    status! <= 599 &&
    (typeof body === 'string' || body instanceof Uint8Array) &&
    Number.isFinite(storedAt) &&
    Number.isFinite(initialAge) &&
    Number.isFinite(freshFor) &&
    Array.isArray(removed) &&
    removed.every((name) => typeof name === 'string') &&
    Array.isArray(selects) &&
    selects.every(isSelector) &&
    Array.isArray(fields) &&
    fields.every(isField)
  );
}

function isSelector(selector: unknown): boolean {
  if (!Array.isArray(selector) || selector.length !== 2) return false;
  const [name, value] = selector as unknown[];
  return typeof name === 'string' && (value === null || typeof value === 'string');
}

/** Whoever has written these was not this cache: they end a message elsewhere, or log somebody in. */
const NEVER_STORED = new Set(['connection', 'set-cookie', 'set-cookie2', 'transfer-encoding']);

function isField(field: unknown): boolean {
  if (!Array.isArray(field) || field.length !== 2) return false;
  const [name, value] = field as [string, string | string[]];
  try {
    validateHeaderName(name);
    if (NEVER_STORED.has(name.toLowerCase())) return false;
    for (const line of Array.isArray(value) ? value : [value]) {
      if (typeof line !== 'string') return false;
      validateHeaderValue(name, line);
    }
    return true;
  } catch {
    return false;
  }
}
