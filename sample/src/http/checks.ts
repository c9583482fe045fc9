import { InputError } from './input.pipe.js';

/** Says what a value must be when it is not; `undefined` when all is well. */
export type Check = (value: unknown) => string | undefined;

export function text(most: number): Check {
  return (value) =>
    typeof value === 'string' && value.trim() !== '' && value.length <= most
      ? undefined
      : `must be a text of 1 to ${most} characters`;
}

export function wholeNumber(least: number, most: number): Check {
  return (value) =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most
      ? undefined
      : `must be a whole number from ${least} to ${most}`;
}

/** A whole number as it comes in a URL. */
export function parseNumber(name: string, value: unknown, most: number): number {
  const number = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : undefined;
  const problem = wholeNumber(1, most)(number);
  if (problem !== undefined) throw new InputError([`${name} ${problem}`]);
  return number!;
}

/** A JSON body with the properties of `checks` and no others; all of them, or at least one. */
export function parseBody<T>(
  body: unknown,
  checks: Record<keyof T & string, Check>,
  need: 'all' | 'some',
): T {
  const names = Object.keys(checks) as (keyof T & string)[];
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new InputError([`the body must be a JSON object with ${names.join(', ')}`]);
  }
  const given = body as Record<string, unknown>;
  const problems = Object.keys(given)
    .filter((name) => !(names as string[]).includes(name))
    .map((name) => `there is no property ${name}; there are ${names.join(', ')}`);
  const expected = need === 'all' ? names : names.filter((name) => given[name] !== undefined);
  if (expected.length === 0) problems.push(`the body must have at least one of ${names.join(', ')}`);
  for (const name of expected) {
    const problem = checks[name](given[name]);
    if (problem !== undefined) problems.push(`${name} ${problem}`);
  }
  if (problems.length > 0) throw new InputError(problems);
  return given as T;
}
