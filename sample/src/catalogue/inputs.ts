import { parseBody, parseNumber, text, wholeNumber } from '../http/checks.js';
import { InputError } from '../http/input.pipe.js';

export interface NewReview {
  author: string;
  rating: number;
  text: string;
}

export interface ProductChange {
  name?: string;
  description?: string;
  priceCents?: number;
}

const MOST_IDS = 20;

export function parseNewReview(body: unknown): NewReview {
  return parseBody<NewReview>(body, { author: text(80), rating: wholeNumber(1, 5), text: text(2000) }, 'all');
}

export function parseProductChange(body: unknown): ProductChange {
  return parseBody<ProductChange>(
    body,
    { name: text(120), description: text(2000), priceCents: wholeNumber(0, 100_000_000) },
    'some',
  );
}

export function parseId(value: unknown): number {
  return parseNumber('id', value, 999_999_999);
}

export function parsePage(value: unknown): number {
  return value === undefined ? 1 : parseNumber('page', value, 1000);
}

/** `1,2,5`: each once. */
export function parseIds(value: unknown): number[] {
  const parts = typeof value === 'string' ? value.split(',') : [];
  if (parts.length === 0 || parts.length > MOST_IDS) {
    throw new InputError([`ids must be 1 to ${MOST_IDS} ids, as in ids=1,2,5`]);
  }
  return [...new Set(parts.map((part) => parseNumber('each of ids', part, 999_999_999)))];
}

export function parseCategory(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const problem = text(40)(value);
  if (problem !== undefined) throw new InputError([`category ${problem}`]);
  return value as string;
}
