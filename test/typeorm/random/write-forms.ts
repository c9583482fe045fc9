// Every way to change rows: TypeORM's, and past it.
import type { ObjectLiteral } from 'typeorm';

import { TABLES, type TableName } from './model.js';
import { cachedOf, plainOf, type Session } from './session.js';

/** What a row has to be for who wrote it, until the transaction ends; `null`: gone. */
export interface OwnWrite {
  readonly table: TableName;
  readonly id: number;
  readonly value: string | null;
}

export interface WriteForm {
  readonly name: string;
  readonly weight: number;
  /** Whether it would end a transaction that TypeORM has not begun. */
  readonly ownTransaction?: true;
  run(session: Session): Promise<OwnWrite | void>;
}

type Target = readonly [table: TableName, id: number];

function target({ choices, known }: Session, tables: readonly TableName[] = TABLES): Target {
  const table = choices.pick(tables);
  return [table, known.pick(table, choices)];
}

/** @param affected rows; it may be that there was none with this id */
function changed([table, id]: Target, value: string | null, affected: unknown): OwnWrite | void {
  if (affected === 1) return { table, id, value };
}

async function raw(session: Session, sql: string, values: readonly unknown[] = []): Promise<number> {
  const [, affected] = (await session.manager.query(sql, [...values])) as [unknown, number];
  return affected;
}

/** Loads a row with a lock, changes it and saves it. */
async function saved(
  session: Session,
  change: (row: ObjectLiteral) => void,
  on?: Target,
): Promise<OwnWrite | void> {
  const [table, id] = on ?? target(session);
  const value = session.token();
  let found = false;
  await session.manager.transaction(async (manager) => {
    const repository = cachedOf(session, table).withManager(manager);
    const row = await repository.loadForUpdate(id);
    if (row === null) return;
    found = true;
    change(row);
    await repository.save(Object.assign(row, { value }));
  });
  return changed([table, id], value, found ? 1 : 0);
}

async function updated(session: Session, on: Target, more: object = {}): Promise<OwnWrite | void> {
  const value = session.token();
  const { affected } = await cachedOf(session, on[0]).update(on[1], { value, ...more });
  return changed(on, value, affected);
}

export const CHANGES: readonly WriteForm[] = [
  {
    name: 'save',
    weight: 8,
    ownTransaction: true,
    run: (session) => saved(session, (row) => (row['kind'] = session.choices.below(3))),
  },
  {
    name: 'save into another parent',
    weight: 4,
    ownTransaction: true,
    run: (session) => {
      const author = { id: session.known.pickThere('author', session.choices) };
      return saved(session, (row) => (row['author'] = author), target(session, ['book']));
    },
  },
  { name: 'update by id', weight: 8, run: (session) => updated(session, target(session)) },
  {
    name: 'update into another parent',
    weight: 4,
    run: (session) =>
      updated(session, target(session, ['book']), {
        author: { id: session.known.pickThere('author', session.choices) },
      }),
  },
  {
    name: 'update by criteria',
    weight: 2,
    run: async (session) => {
      const { choices } = session;
      const table = choices.pick(TABLES);
      await cachedOf(session, table).update(
        { kind: choices.below(3), hits: choices.below(3) },
        { value: session.token() },
      );
    },
  },
  {
    name: 'updateAll',
    weight: 0.3,
    run: async (session) => void (await plainOf(session, 'tag').updateAll({ value: session.token() })),
  },
  {
    name: 'increment',
    weight: 5,
    run: async (session) => {
      const [table, id] = target(session);
      await cachedOf(session, table).increment({ id }, 'hits', 1);
    },
  },
  {
    name: 'update without listeners',
    weight: 5,
    run: async (session) => {
      const on = target(session);
      const value = session.token();
      const builder = plainOf(session, on[0]).createQueryBuilder().update().set({ value });
      const { affected } = await builder.where('id = :id', { id: on[1] }).callListeners(false).execute();
      return changed(on, value, affected);
    },
  },
];

export const STATEMENTS: readonly WriteForm[] = [
  {
    name: 'raw UPDATE',
    weight: 5,
    run: async (session) => {
      const on = target(session);
      const value = session.token();
      return changed(
        on,
        value,
        await raw(session, `UPDATE ${on[0]} SET value = $1 WHERE id = $2`, [value, on[1]]),
      );
    },
  },
  {
    name: 'raw UPDATE into another parent',
    weight: 3,
    run: async (session) => {
      const { choices, known } = session;
      const values = [known.pickThere('book', choices), known.pick('review', choices)];
      await raw(session, `UPDATE review SET "bookId" = $1 WHERE id IN ($2)`, values);
    },
  },
  {
    name: 'CTE',
    weight: 3,
    run: async (session) => {
      const [table, id] = target(session);
      const sql = `WITH done AS (UPDATE ${table} SET value = $1 WHERE id = $2 RETURNING id) SELECT * FROM done`;
      await session.manager.query(sql, [session.token(), id]);
    },
  },
  {
    name: 'CTE over two tables',
    weight: 1,
    run: async (session) => {
      const [, id] = target(session, ['book']);
      const gone = `WITH gone AS (DELETE FROM review WHERE "bookId" = $1 RETURNING id)`;
      await raw(session, `${gone} UPDATE book SET value = $2 WHERE id = $1`, [id, session.token()]);
    },
  },
  {
    name: 'DO',
    weight: 0.5,
    run: async (session) => {
      const [table, id] = target(session);
      await session.manager.query(`DO $$ BEGIN UPDATE ${table} SET hits = hits + 1 WHERE id = ${id}; END $$`);
    },
  },
  {
    name: 'MERGE',
    weight: 1,
    run: async (session) => {
      const [table, id] = target(session);
      const sql = `MERGE INTO ${table} t USING (SELECT $1::int AS id) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET value = $2`;
      await session.manager.query(sql, [id, session.token()]);
    },
  },
];
