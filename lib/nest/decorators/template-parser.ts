import type { MethodSite } from './method-site.js';

/** What stands between two braces of a template. */
export interface Placeholder {
  /** With its braces, for messages. */
  readonly text: string;
  /** The first name: a parameter, `this`, `result`, or a property of `this`. */
  readonly root: string;
  /** The names or indexes after the first. */
  readonly path: readonly string[];
  /** Written with `?` at its end: what is not there is `undefined`, not an error. */
  readonly optional: boolean;
}

/** A template taken apart: `literals[0] placeholders[0] literals[1] … literals[n]`. */
export interface ParsedTemplate {
  readonly source: string;
  readonly literals: readonly string[];
  readonly placeholders: readonly Placeholder[];
}

const PATH = /^([\p{ID_Start}$_][\p{ID_Continue}$]*)((?:\.[\p{ID_Continue}$]+)*)(\??)$/u;

/**
 * Takes a template apart. `\{` and `\}` are literal braces; a backslash before anything else is itself.
 * @throws CacheDecoratorError when the template is empty, a brace has no partner, or what braces hold is no path
 */
export function parseTemplate(source: string, site: MethodSite): ParsedTemplate {
  if (source === '') throw site.definitionError('the template is empty');
  const literals: string[] = [];
  const placeholders: Placeholder[] = [];
  let literal = '';
  for (let at = 0; at < source.length; at++) {
    const char = source.charAt(at);
    if (char === '\\' && /[{}]/.test(source.charAt(at + 1))) {
      literal += source.charAt(++at);
    } else if (char === '{') {
      const end = source.indexOf('}', at);
      if (end === -1) throw malformed(site, source, "has a '{' without its '}'");
      placeholders.push(parsePlaceholder(source.slice(at, end + 1), source, site));
      literals.push(literal);
      literal = '';
      at = end;
    } else if (char === '}') {
      throw malformed(site, source, "has a '}' without its '{'");
    } else {
      literal += char;
    }
  }
  return { source, literals: [...literals, literal], placeholders };
}

function parsePlaceholder(text: string, source: string, site: MethodSite): Placeholder {
  const match = PATH.exec(text.slice(1, -1));
  if (match === null) {
    throw malformed(
      site,
      source,
      `holds ${text}: braces take a name or a path, such as {id}, {user.id}, {this.name}`,
    );
  }
  const [, root, path, optional] = match;
  return {
    text,
    root: root!,
    path: path === '' ? [] : path!.slice(1).split('.'),
    optional: optional === '?',
  };
}

function malformed(site: MethodSite, source: string, problem: string) {
  return site.definitionError(
    `the template '${source}' ${problem}; a literal brace is written '\\\\{' or '\\\\}'`,
  );
}
