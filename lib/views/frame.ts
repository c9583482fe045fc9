import { keyPart } from '../primitives/escape.js';
import { CacheTemplateError } from './errors.js';
import type { FragmentKeyPart } from './fragment-key.js';
import type { TemplateTree } from './template-engine.js';

/** A fragment while it is rendered, as those that are rendered inside it see it. */
export class Frame {
  readonly #tags = new Set<string>();

  constructor(
    private readonly template: TemplateTree,
    private readonly identity: FragmentKeyPart | undefined,
  ) {}

  /** The tags of all that was rendered inside: what outdates a part outdates the whole. */
  get tags(): ReadonlySet<string> {
    return this.#tags;
  }

  /**
   * Lets a fragment in.
   * @throws CacheTemplateError when this one would not change with its template, or would show others what is one user's
   */
  admit(inner: string, identity: FragmentKeyPart | undefined): void {
    const outer = this.template.name;
    if (!this.template.sources.has(inner)) {
      throw new CacheTemplateError(
        outer,
        `'${inner}' is rendered inside '${outer}', which does not say so and would not change with it: declare it there, ` +
          `in Handlebars by {{!-- includes: ${inner} --}}`,
      );
    }
    if (identity === undefined || keyPart(identity) === keyPart(this.identity)) return;
    throw new CacheTemplateError(
      outer,
      `'${inner}' is for one user, and is rendered inside '${outer}', which others would get too: give '${outer}' the ` +
        `same identity`,
    );
  }

  add(tags: readonly string[]): void {
    for (const tag of tags) this.#tags.add(tag);
  }
}
