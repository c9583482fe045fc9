import type { FindOptionsWhere } from 'typeorm';

import { type Stamped, TABLES, type TableName } from './model.js';
import type { ReadForm } from './read-forms.js';
import type { Seen } from './records.js';
import { cachedOf, type Session } from './session.js';

type Ids = Readonly<Record<TableName, readonly number[]>>;
type Found = { readonly id: number; readonly stamp: number };

const KINDS = [0, 1, 2];
const BY_ID = { order: { id: 'ASC' } } as const;

/** What everything looks like in the end: each row there ever was, and lists as they are asked for at random, too. */
export function restForms(ids: Ids): ReadForm[] {
  return [
    ...TABLES.map((table) => form(`rows of ${table}`, (session) => rows(session, table, ids[table]))),
    ...TABLES.map((table) => form(`lists of ${table}`, (session) => lists(session, table))),
    form('books of authors', (session) => ofParents(session, 'book', 'author', ids.author)),
    form('reviews of books', (session) => ofParents(session, 'review', 'book', ids.book)),
    form('links', (session) => links(session, ids)),
  ];
}

function form(name: string, run: ReadForm['run']): ReadForm {
  return { name, weight: 0, run };
}

async function rows(session: Session, table: TableName, ids: readonly number[]): Promise<Seen[]> {
  const found = await cachedOf(session, table).findByIds(ids);
  return ids.map((id, i) => ({ kind: 'row', table, id, stamp: found[i]?.stamp ?? null }));
}

async function lists(session: Session, table: TableName): Promise<Seen[]> {
  const finder = cachedOf(session, table).cached();
  const seen: Seen[] = [
    { kind: 'list', table, ids: idsOf(await finder.find({ where: {}, ...BY_ID })) },
    { kind: 'count', table, count: await finder.count({ where: {} }) },
  ];
  for (const kind of KINDS) {
    const condition = { table, column: 'kind', value: kind };
    seen.push({ kind: 'list', ...condition, ids: idsOf(await finder.find({ where: { kind }, ...BY_ID })) });
    seen.push({ kind: 'count', ...condition, count: await finder.count({ where: { kind } }) });
  }
  return seen;
}

/** As lists by their partition, and as relations. */
async function ofParents(
  session: Session,
  table: 'book' | 'review',
  parent: 'author' | 'book',
  ids: readonly number[],
): Promise<Seen[]> {
  const seen: Seen[] = [];
  for (const id of ids) {
    const condition = { table, column: `${parent}Id`, value: id };
    const where = { [parent]: { id } } as FindOptionsWhere<Stamped>;
    const found = await cachedOf(session, table)
      .cached()
      .find({ where, ...BY_ID });
    seen.push({ kind: 'list', ...condition, of: parent, ids: idsOf(found) });
  }
  const { author, book } = session.repositories;
  const related: readonly (readonly Found[])[] =
    table === 'book'
      ? await author.relation(owners(ids), 'books')
      : await book.relation(owners(ids), 'reviews');
  ids.forEach((id, i) =>
    seen.push({ kind: 'list', table, column: `${parent}Id`, value: id, ids: idsOf(related[i]!) }),
  );
  return seen;
}

async function links({ repositories }: Session, ids: Ids): Promise<Seen[]> {
  const tags: readonly (readonly Found[])[] = await repositories.book.relation(owners(ids.book), 'tags');
  const books: readonly (readonly Found[])[] = await repositories.tag.relation(owners(ids.tag), 'books');
  return [
    ...ids.book.map((id, i) => ({ kind: 'links' as const, from: 'book' as const, id, ids: idsOf(tags[i]!) })),
    ...ids.tag.map((id, i) => ({ kind: 'links' as const, from: 'tag' as const, id, ids: idsOf(books[i]!) })),
  ];
}

function owners(ids: readonly number[]): never[] {
  return ids.map((id) => ({ id }) as never);
}

function idsOf(found: readonly Found[]): number[] {
  return found.map(({ id }) => id);
}
