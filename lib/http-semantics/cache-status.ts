import { isStructuredString, printableString, tokenOrString } from './structured-field.js';

/** Why a request went on to the handler (RFC 9211 2.2). */
export type ForwardReason =
  'bypass' | 'method' | 'uri-miss' | 'vary-miss' | 'miss' | 'request' | 'stale' | 'partial';

/** What one cache did with a request (RFC 9211). */
export interface CacheStatus {
  /** The name of the cache. */
  readonly name: string;
  /** Whether it was answered from the store alone; `fwd` is then left out. */
  readonly hit?: boolean;
  readonly fwd?: ForwardReason;
  /** The status with which the handler answered, where it is not the client's. */
  readonly fwdStatus?: number;
  /** The remaining lifetime in seconds; negative if it is over. */
  readonly ttl?: number;
  /** Whether the response was stored. */
  readonly stored?: boolean;
  /** Whether the request waited for that of another. */
  readonly collapsed?: boolean;
  readonly key?: string;
  readonly detail?: string;
}

/** The largest integer of structured fields. */
const LARGEST = 999_999_999_999_999;

/** As a member of `Cache-Status`: `name; hit; ttl=376`. Whatever the texts are, the result is printable ASCII. */
export function formatCacheStatus(status: CacheStatus): string {
  const { name, hit, fwd, fwdStatus, ttl, stored, collapsed, key, detail } = status;
  const parts = [tokenOrString(name)];
  if (hit) parts.push('hit');
  else if (fwd !== undefined) parts.push(`fwd=${fwd}`);
  if (!hit && fwdStatus !== undefined) parts.push(`fwd-status=${integer(fwdStatus)}`);
  if (ttl !== undefined && !Number.isNaN(ttl)) parts.push(`ttl=${integer(ttl)}`);
  if (stored) parts.push('stored');
  if (collapsed) parts.push('collapsed');
  if (key !== undefined) parts.push(`key=${printableString(key)}`);
  if (detail !== undefined) parts.push(`detail=${tokenOrString(detail)}`);
  return parts.join('; ');
}

/** The value of the field when this cache comes after those already in it, which are nearer to the origin. */
export function appendCacheStatus(existing: string | undefined, status: CacheStatus): string {
  const own = formatCacheStatus(status);
  const isUsable = existing !== undefined && isStructuredString(existing) && existing.trim() !== '';
  return isUsable ? `${existing}, ${own}` : own;
}

/** Rounded down, and within what a structured field can hold. */
function integer(value: number): number {
  return Math.max(-LARGEST, Math.min(LARGEST, Math.floor(value)));
}
