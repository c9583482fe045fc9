import { ADDITIONS, LINKS } from './addition-forms.js';
import { REMOVALS, SOFT_REMOVALS } from './removal-forms.js';
import { CHANGES, STATEMENTS, type WriteForm } from './write-forms.js';

export const WRITE_FORMS: readonly WriteForm[] = [
  ...CHANGES,
  ...STATEMENTS,
  ...ADDITIONS,
  ...LINKS,
  ...REMOVALS,
  ...SOFT_REMOVALS,
];

/** Those that begin no transaction of their own, which would end one that TypeORM does not know of. */
export const PLAIN_FORMS = WRITE_FORMS.filter(({ ownTransaction }) => ownTransaction !== true);
