// A few rows that are moved to and fro by those who have looked at them without a lock, and nobody writes otherwise: what one
// of them fails to outdate, no other write makes up for.
import { plainOf, type Session } from './session.js';
import type { ReadForm } from './read-forms.js';
import type { WriteForm } from './write-forms.js';

/** So few that several move the same one at once, and somebody looks where it was meanwhile. */
const BOOKS = 2;
const AUTHORS = 4;

function book({ known, choices }: Session): number {
  return choices.pick(known.lowest('book', BOOKS));
}

function author({ known, choices }: Session): number {
  return choices.pick(known.lowest('author', AUTHORS));
}

export const MOVES: readonly WriteForm[] = [
  {
    name: 'save of a part, without a lock',
    weight: 6,
    run: async (session) => {
      const into = { id: author(session) };
      await plainOf(session, 'book').save({
        id: book(session),
        author: into,
        value: session.token(),
      } as object);
    },
  },
  {
    name: 'save into the same parent, without a lock',
    weight: 2,
    run: async (session) =>
      void (await plainOf(session, 'book').save({ id: book(session), value: session.token() })),
  },
  {
    name: 'softRemove and recover, without a lock',
    weight: 1,
    run: async (session) => {
      const books = plainOf(session, 'book');
      const row = await books.findOne({ where: { id: book(session) }, withDeleted: true });
      if (row === null) return;
      if (session.choices.chance(0.3)) await books.softRemove(row);
      else await books.recover(row);
    },
  },
];

export const WHERE_IT_IS: ReadForm = {
  name: 'find by what moves',
  weight: 1,
  run: async (session) => {
    const { repositories, choices } = session;
    const id = author(session);
    const condition = { table: 'book', column: 'authorId', value: id, of: 'author' } as const;
    const where = { author: { id } };
    if (choices.chance(0.3))
      return [{ kind: 'count', ...condition, count: await repositories.book.cached().count({ where }) }];
    const found = await repositories.book.cached().find({ where, order: { id: 'ASC' } });
    return [{ kind: 'list', ...condition, ids: found.map((one) => one.id) }];
  },
};
