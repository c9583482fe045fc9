import type { Method, MethodSite } from './method-site.js';
import { compileKeys } from './template.js';
import type { OfCall } from './template-values.js';

/**
 * Compiles an option that holds one template, several, or a function of the result and the arguments: what it gives for a
 * call, without duplicates.
 * @param option its name, for errors
 * @returns `undefined` when the option is not given, or is an empty list
 * @throws CacheDecoratorError
 */
export function compileTemplates(
  option: string,
  given: unknown,
  site: MethodSite,
  mayUseResult: boolean,
  check: (source: string) => void = () => {},
): OfCall<readonly string[]> | undefined {
  if (given === undefined) return undefined;
  if (typeof given === 'function') return callFunction(option, given as Method, site);
  const sources: readonly unknown[] = Array.isArray(given) ? given : [given];
  const templates = sources.map((source) => {
    if (typeof source !== 'string') {
      throw site.definitionError(`${option} must be a template, a list of templates or a function`);
    }
    check(source);
    return compileKeys(source, site, mayUseResult);
  });
  if (templates.length === 0) return undefined;
  return (self, args, result) => [...new Set(templates.flatMap((template) => template(self, args, result)))];
}

function callFunction(option: string, given: Method, site: MethodSite): OfCall<readonly string[]> {
  return (self, args, result) => {
    const made = given.call(self, result, ...args);
    const list: readonly unknown[] = Array.isArray(made) ? made : [made];
    for (const one of list) {
      if (typeof one !== 'string') {
        throw site.keyError(`the function '${option}' must return a string or an array of strings`);
      }
    }
    return [...new Set(list as readonly string[])];
  };
}
