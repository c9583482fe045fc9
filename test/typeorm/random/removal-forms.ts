// Every way to remove rows, or to mark them as deleted.
import { type Stamped, type TableName } from './model.js';
import { cachedOf, plainOf, type Session } from './session.js';
import type { OwnWrite, WriteForm } from './write-forms.js';

/** What is removed takes much with it: reviews go often, authors seldom. */
function target({ choices, known }: Session): readonly [table: TableName, id: number] {
  const chance = choices.next();
  const table = chance < 0.6 ? 'review' : chance < 0.85 ? 'book' : chance < 0.93 ? 'author' : 'tag';
  return [table, known.pick(table, choices)];
}

function gone(table: TableName, id: number, affected: unknown): OwnWrite | void {
  if (affected === 1) return { table, id, value: null };
}

export const REMOVALS: readonly WriteForm[] = [
  {
    name: 'remove',
    weight: 3,
    ownTransaction: true,
    run: async (session) => {
      const [table, id] = target(session);
      const row = await cachedOf(session, table).loadForUpdate(id);
      if (row !== null) await plainOf(session, table).remove(row);
    },
  },
  {
    name: 'delete by id',
    weight: 3,
    run: async (session) => {
      const [table, id] = target(session);
      return gone(table, id, (await cachedOf(session, table).delete(id)).affected);
    },
  },
  {
    name: 'delete by criteria',
    weight: 1,
    run: async (session) => {
      const book = { id: session.known.pick('book', session.choices) };
      await session.repositories.review.delete({ book, kind: session.choices.below(3) });
    },
  },
  {
    name: 'delete without listeners',
    weight: 2,
    run: async (session) => {
      const [table, id] = target(session);
      const builder = plainOf(session, table).createQueryBuilder().delete().where('id = :id', { id });
      return gone(table, id, (await builder.callListeners(false).execute()).affected);
    },
  },
  {
    name: 'raw DELETE',
    weight: 2,
    run: async (session) => {
      const [table, id] = target(session);
      await session.manager.query(`DELETE FROM ${table} WHERE "id" = $1`, [id]);
    },
  },
];

export const SOFT_REMOVALS: readonly WriteForm[] = [
  { name: 'softRemove', weight: 3, ownTransaction: true, run: (session) => marked(session, 'softRemove') },
  { name: 'recover', weight: 4, ownTransaction: true, run: (session) => marked(session, 'recover') },
  {
    name: 'softDelete',
    weight: 3,
    run: async (session) => {
      const id = session.known.pick('book', session.choices);
      return gone('book', id, (await session.repositories.book.softDelete(id)).affected);
    },
  },
  {
    name: 'softDelete by criteria',
    weight: 0.5,
    run: async (session) => {
      const { choices, known } = session;
      await session.repositories.book.softDelete({
        author: { id: known.pick('author', choices) },
        kind: choices.below(3),
      });
    },
  },
  {
    name: 'restore',
    weight: 4,
    run: async (session) => {
      await session.repositories.book.restore(session.known.pick('book', session.choices));
    },
  },
  {
    name: 'restore by criteria',
    weight: 0.5,
    run: async (session) => {
      await session.repositories.book.restore({ kind: session.choices.below(3) });
    },
  },
];

async function marked(session: Session, how: 'softRemove' | 'recover'): Promise<void> {
  const id = session.known.pick('book', session.choices);
  const repository = plainOf(session, 'book');
  const book: Stamped | null = await repository.findOne({ where: { id }, withDeleted: true });
  if (book !== null) await repository[how](book);
}
