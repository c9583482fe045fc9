// Every way to add rows, and to link them.
import { Book, type Stamped, type TableName, Tag } from './model.js';
import { cachedOf, plainOf, type Session } from './session.js';
import type { WriteForm } from './write-forms.js';

export const ADDITIONS: readonly WriteForm[] = [
  {
    name: 'insert an author',
    weight: 3,
    run: async (session) => {
      const email = `a${1 + session.choices.below(14)}`;
      const row = { email, value: session.token(), kind: session.choices.below(3) };
      // One that is there makes it fail, and the transaction with it.
      if ((await session.manager.query('SELECT id FROM author WHERE email = $1', [email])).length > 0) return;
      await session.repositories.author.insert(row);
    },
  },
  {
    name: 'upsert',
    weight: 5,
    run: async (session) => {
      const email = `a${1 + session.choices.below(14)}`;
      const row = { email, value: session.token(), kind: session.choices.below(3) };
      await session.repositories.author.upsert(row, ['email']);
    },
  },
  {
    name: 'insert',
    weight: 8,
    run: (session) => added(session, (table, row) => cachedOf(session, table).insert(row)),
  },
  {
    name: 'save a new one',
    weight: 8,
    ownTransaction: true,
    run: (session) => added(session, (table, row) => cachedOf(session, table).save(row)),
  },
  {
    name: 'insert without listeners',
    weight: 4,
    run: (session) =>
      added(session, (table, row) =>
        plainOf(session, table).createQueryBuilder().insert().values(row).callListeners(false).execute(),
      ),
  },
  {
    name: 'INSERT … SELECT',
    weight: 3,
    run: async (session) => {
      const id = session.known.pick('review', session.choices);
      const sql = `INSERT INTO review ("bookId", kind, value) SELECT "bookId", kind, $1 FROM review WHERE id = $2`;
      await session.manager.query(sql, [session.token(), id]);
    },
  },
];

/** Adds a row to the table that has too few. */
async function added(
  session: Session,
  add: (table: TableName, row: Partial<Stamped>) => Promise<unknown>,
): Promise<void> {
  const { choices, known } = session;
  const table = known.count('tag') < 6 ? 'tag' : known.count('book') < 30 ? 'book' : 'review';
  const row = { value: session.token(), kind: choices.below(3) };
  if (table === 'tag') return void (await add('tag', row));
  const parent = table === 'book' ? 'author' : 'book';
  await add(table, { ...row, [parent]: { id: known.pickThere(parent, choices) } });
}

export const LINKS: readonly WriteForm[] = [
  {
    name: 'add a link',
    weight: 4,
    run: async (session) => {
      const [book, tag] = linked(session);
      const there = await session.manager.query(
        'SELECT 1 FROM book_tag WHERE "bookId" = $1 AND "tagId" = $2',
        [book, tag],
      );
      if (there.length > 0) return;
      await session.manager.createQueryBuilder().relation(Book, 'tags').of(book).add(tag);
    },
  },
  {
    name: 'remove a link',
    weight: 3,
    run: async (session) => {
      const [book, tag] = linked(session);
      await session.manager.createQueryBuilder().relation(Tag, 'books').of(tag).remove(book);
    },
  },
  {
    name: 'save with links',
    weight: 3,
    ownTransaction: true,
    run: async (session) => {
      const [book, tag] = linked(session);
      const found = await session.manager.findOne(Book, { where: { id: book }, relations: { tags: true } });
      if (found === null) return;
      found.tags = [...found.tags.slice(1), Object.assign(new Tag(), { id: tag })];
      await session.manager.save(found);
    },
  },
  {
    name: 'raw links',
    weight: 2,
    run: async (session) => {
      const [book, tag] = linked(session);
      await session.manager.query('INSERT INTO book_tag VALUES ($1, $2) ON CONFLICT DO NOTHING', [book, tag]);
    },
  },
];

function linked({ choices, known }: Session): [book: number, tag: number] {
  return [known.pickThere('book', choices), known.pickThere('tag', choices)];
}
