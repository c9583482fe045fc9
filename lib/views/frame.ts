import { CacheReentrancyError } from '../primitives/errors.js';
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
    private readonly key: string,
    private readonly outer: Frame | undefined,
  ) {}

  /** The tags of all that was rendered inside: what outdates a part outdates the whole. */
  get tags(): ReadonlySet<string> {
    return this.#tags;
  }

  /**
   * Lets a fragment in.
   * @throws CacheTemplateError when this one would not change with its template, or would show others what is one user's;
   * CacheReentrancyError when it is the fragment itself
   */
  admit(inner: string, identity: FragmentKeyPart | undefined, key: string): void {
    const outer = this.template.name;
    if (this.#isInside(key)) {
      throw new CacheReentrancyError(
        `'${inner}' is rendered inside itself, for the same record, and would wait for itself: render another record there, or none`,
        { key },
      );
    }
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

  #isInside(key: string): boolean {
    return this.key === key || (this.outer !== undefined && this.outer.#isInside(key));
  }

  add(tags: readonly string[]): void {
    for (const tag of tags) this.#tags.add(tag);
  }
}
