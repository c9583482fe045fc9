/** One step from a container to what it holds: a property, an index, the value under a Map's key, or a call. */
export type Step = string | number | { readonly mapKey: unknown } | { readonly call: string };

const MAX_LENGTH = 200;

/** Writes steps as code that would reach the value: `$.users[3].roles.get("admin")`; `$` is the value being encoded. */
export function formatPath(steps: readonly Step[]): string {
  let path = '$';
  for (const step of steps) {
    path += formatStep(step);
    // A path of thousands of steps (a value nested too deeply) helps nobody.
    if (path.length > MAX_LENGTH) return `${path.slice(0, MAX_LENGTH)}…`;
  }
  return path;
}

function formatStep(step: Step): string {
  if (typeof step === 'number') return `[${step}]`;
  if (typeof step === 'string') return formatProperty(step);
  return 'call' in step ? `.${step.call}` : `.get(${formatKey(step.mapKey)})`;
}

function formatProperty(name: string): string {
  return /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}

function formatKey(key: unknown): string {
  if (typeof key === 'string') return JSON.stringify(key);
  return typeof key === 'object' && key !== null ? '…' : String(key);
}
