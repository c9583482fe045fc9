// Every way to read, and what was seen by it.
import type { FindManyOptions, FindOptionsWhere } from 'typeorm';

import { type Book, ENTITIES, type Stamped, TABLES, type TableName, type Tag } from './model.js';
import type { Condition, Seen, SeenRow } from './records.js';
import { cachedOf, type Session } from './session.js';

export interface ReadForm {
  readonly name: string;
  readonly weight: number;
  run(session: Session): Promise<Seen[]>;
}

type Found = { readonly id: number; readonly stamp: number };
type Where = FindOptionsWhere<Stamped>;

/** What a table's lists are partitioned by. */
const PARENTS = { book: 'author', review: 'book' } as const;
const PARTITIONED = Object.keys(PARENTS) as (keyof typeof PARENTS)[];
const BY_ID = { order: { id: 'ASC' } } as const;

function row(
  { known }: Session,
  table: TableName,
  id: number,
  found: Found | null,
  withDeleted = false,
): SeenRow {
  if (found === null) known.missed(table, id);
  else known.saw(table, id);
  return { kind: 'row', table, id, stamp: found?.stamp ?? null, withDeleted };
}

function rows(session: Session, table: TableName, found: readonly Found[], withDeleted?: boolean): SeenRow[] {
  return found.map((one) => row(session, table, one.id, one, withDeleted));
}

function list(session: Session, condition: Condition, found: readonly Found[]): Seen[] {
  const ids = found.map(({ id }) => id);
  if (condition.column === undefined) session.known.sawAll(condition.table, ids);
  return [
    { kind: 'list', ...condition, ids },
    ...rows(session, condition.table, found, condition.withDeleted),
  ];
}

/** A condition, for the judge and for TypeORM. */
function conditionOn(session: Session): { condition: Condition; where: Where } {
  const { choices, known } = session;
  if (choices.chance(0.5)) {
    const table = choices.pick(PARTITIONED);
    const parent = PARENTS[table];
    const id = known.pick(parent, choices);
    return {
      condition: { table, column: `${parent}Id`, value: id, of: parent },
      where: { [parent]: { id } },
    };
  }
  const table = choices.pick(TABLES);
  if (choices.chance(0.4)) return { condition: { table }, where: {} };
  const kind = choices.below(3);
  return { condition: { table, column: 'kind', value: kind }, where: { kind } };
}

async function byId(session: Session): Promise<Seen[]> {
  const table = session.choices.pick(TABLES);
  const id = session.known.pick(table, session.choices);
  return [row(session, table, id, await cachedOf(session, table).findById(id))];
}

async function byIds(session: Session): Promise<Seen[]> {
  const table = session.choices.pick(TABLES);
  const ids = Array.from({ length: 5 }, () => session.known.pick(table, session.choices));
  const found = await cachedOf(session, table).findByIds(ids);
  return ids.map((id, i) => row(session, table, id, found[i]!));
}

async function byIndex(session: Session): Promise<Seen[]> {
  const email = `a${1 + session.choices.below(14)}`;
  const found = await session.repositories.author.findByIndex({ email });
  return list(session, { table: 'author', column: 'email', value: email }, found === null ? [] : [found]);
}

async function find(session: Session): Promise<Seen[]> {
  const { condition, where } = conditionOn(session);
  return list(
    session,
    condition,
    await cachedOf(session, condition.table)
      .cached()
      .find({ where, ...BY_ID }),
  );
}

async function findWithDeleted(session: Session): Promise<Seen[]> {
  const id = session.known.pick('author', session.choices);
  const options = { where: { author: { id } }, withDeleted: true, ...BY_ID };
  const condition = { table: 'book', column: 'authorId', value: id, withDeleted: true } as const;
  return list(session, condition, await session.repositories.book.cached().find(options));
}

async function findOne(session: Session): Promise<Seen[]> {
  const { condition, where } = conditionOn(session);
  const found = await cachedOf(session, condition.table)
    .cached()
    .findOne({ where, ...BY_ID });
  if (found !== null) return rows(session, condition.table, [found]);
  return [{ kind: 'count', ...condition, count: 0, paged: true }];
}

async function page(session: Session): Promise<Seen[]> {
  const { condition, where } = conditionOn(session);
  const options: FindManyOptions<Stamped> = { where, ...BY_ID, take: 4, skip: session.choices.below(3) };
  const [found, count] = await cachedOf(session, condition.table).cached().findAndCount(options);
  return [{ kind: 'count', ...condition, count, paged: true }, ...rows(session, condition.table, found)];
}

async function counted(session: Session): Promise<Seen[]> {
  const { condition, where } = conditionOn(session);
  return [
    {
      kind: 'count',
      ...condition,
      count: await cachedOf(session, condition.table).cached().count({ where }),
    },
  ];
}

async function exists(session: Session): Promise<Seen[]> {
  const { condition, where } = conditionOn(session);
  const found = await cachedOf(session, condition.table).cached().exists({ where });
  return found ? [] : [{ kind: 'count', ...condition, count: 0 }];
}

async function joined(session: Session): Promise<Seen[]> {
  const kind = session.choices.below(3);
  const options = { where: { kind }, relations: { author: true }, ...BY_ID };
  const found = await session.repositories.book.cached().find(options);
  const authors = found.map(({ author }) => author);
  return [
    ...list(session, { table: 'book', column: 'kind', value: kind }, found),
    ...rows(session, 'author', authors),
  ];
}

/** What is related to something that is not from the cache, in a batch of up to three. */
function parents<T extends TableName>(session: Session, table: T): InstanceType<(typeof ENTITIES)[T]>[] {
  const { choices, known } = session;
  const ids = Array.from({ length: 1 + choices.below(3) }, () => known.pickThere(table, choices));
  return [...new Set(ids)].map((id) => Object.assign(new ENTITIES[table](), { id }) as never);
}

async function toOne(session: Session): Promise<Seen[]> {
  const { book } = session.repositories;
  const author = session.known.pick('author', session.choices);
  const books = await book.cached().find({ where: { author: { id: author } }, ...BY_ID });
  const authors = await book.relation(books, 'author');
  return [
    ...rows(session, 'book', books),
    ...rows(
      session,
      'author',
      authors.filter((one) => one !== null),
    ),
  ];
}

async function toMany(session: Session): Promise<Seen[]> {
  if (session.choices.chance(0.5)) {
    const authors = parents(session, 'author');
    const books = await session.repositories.author.relation(authors, 'books');
    return authors.flatMap(({ id }, i) =>
      list(session, { table: 'book', column: 'authorId', value: id }, books[i]!),
    );
  }
  const books = parents(session, 'book');
  const reviews = await session.repositories.book.relation(books, 'reviews');
  return books.flatMap(({ id }, i) =>
    list(session, { table: 'review', column: 'bookId', value: id }, reviews[i]!),
  );
}

async function manyToMany(session: Session): Promise<Seen[]> {
  const { book, tag } = session.repositories;
  const from = session.choices.chance(0.5) ? 'book' : 'tag';
  const of = parents(session, from);
  const found: readonly (readonly Found[])[] =
    from === 'book' ? await book.relation(of as Book[], 'tags') : await tag.relation(of as Tag[], 'books');
  return of.flatMap(({ id }, i) => [
    { kind: 'links' as const, from, id, ids: found[i]!.map((one) => one.id) },
    ...rows(session, from === 'book' ? 'tag' : 'book', found[i]!),
  ]);
}

export const READ_FORMS: readonly ReadForm[] = [
  { name: 'findById', weight: 22, run: byId },
  { name: 'findByIds', weight: 12, run: byIds },
  { name: 'findByIndex', weight: 8, run: byIndex },
  { name: 'find', weight: 16, run: find },
  { name: 'find withDeleted', weight: 4, run: findWithDeleted },
  { name: 'findOne', weight: 4, run: findOne },
  { name: 'findAndCount', weight: 6, run: page },
  { name: 'count', weight: 6, run: counted },
  { name: 'exists', weight: 2, run: exists },
  { name: 'find with a relation', weight: 4, run: joined },
  { name: 'relation to one', weight: 5, run: toOne },
  { name: 'relation to many', weight: 8, run: toMany },
  { name: 'relation many to many', weight: 8, run: manyToMany },
];
