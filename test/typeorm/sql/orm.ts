import { DataSource, EntitySchema, type DataSourceOptions } from 'typeorm';
import type { SqlDialect } from '../../../lib/typeorm/sql/read-sql.js';
import { effectsOf } from './render.js';

export interface Row {
  id: number;
  [property: string]: unknown;
}

export const User = new EntitySchema<Row>({
  name: 'User',
  tableName: 'users',
  columns: {
    id: { type: Number, primary: true, generated: true },
    email: { type: String, unique: true },
    visits: { type: Number, default: 0 },
    version: { type: Number, version: true },
    updatedAt: { type: Date, updateDate: true },
    deletedAt: { type: Date, deleteDate: true, nullable: true },
  },
  relations: { tags: { type: 'many-to-many', target: 'Tag', joinTable: true } },
});

export const Tag = new EntitySchema<Row>({
  name: 'Tag',
  tableName: 'tags',
  columns: { id: { type: Number, primary: true } },
});

export const Seat = new EntitySchema<Row>({
  name: 'Seat',
  tableName: 'seats',
  columns: {
    row: { type: Number, primary: true },
    id: { type: Number, primary: true },
    note: { type: String, nullable: true },
  },
});

export const Folder = new EntitySchema<Row>({
  name: 'Folder',
  tableName: 'folders',
  columns: { id: { type: Number, primary: true } },
  relations: {
    parent: { type: 'many-to-one', target: 'Folder', treeParent: true, nullable: true },
    children: { type: 'one-to-many', target: 'Folder', inverseSide: 'parent', treeChildren: true },
  },
  trees: [{ type: 'closure-table' }],
});

const ENTITIES = [User, Tag, Seat, Folder];

/** What TypeORM's statements did, in the order in which they ran. */
export class Orm {
  readonly #effects: string[] = [];

  private constructor(
    readonly source: DataSource,
    dialect: SqlDialect,
  ) {
    source.subscribers.push({
      afterQuery: ({ query, parameters }) => {
        const effects = effectsOf(query, dialect, parameters as readonly unknown[] | undefined);
        if (effects !== '') this.#effects.push(effects);
      },
    });
  }

  static async open(dialect: SqlDialect): Promise<Orm> {
    const source = new DataSource(optionsFor(dialect));
    await source.initialize();
    return new Orm(source, dialect);
  }

  /** The effects of the work. */
  async during(work: (source: DataSource) => Promise<unknown>): Promise<readonly string[]> {
    this.#effects.length = 0;
    await work(this.source);
    return [...this.#effects];
  }
}

function optionsFor(dialect: SqlDialect): DataSourceOptions {
  switch (dialect) {
    case 'sqlite':
      return { type: 'sqljs', entities: ENTITIES, synchronize: true };
    case 'postgres':
      return { type: 'postgres', entities: ENTITIES, driver: POSTGRES_CLIENT };
    case 'mysql':
      return { type: 'mysql', entities: ENTITIES, driver: MYSQL_CLIENT };
  }
}

/** A database that has every row it is asked for: only the texts it is sent matter. */
function answer(text: string): Record<string, unknown>[] {
  if (/version/i.test(text) && !text.includes('FROM')) return [{ version: '15.0', 'VERSION()': '8.0.30' }];
  const names = Array.from(text.matchAll(/ AS ["`](\w+)["`]/g), ([, name]) => name!);
  const returned = /RETURNING (.*)$/.exec(text)?.[1] ?? '';
  names.push(...Array.from(returned.matchAll(/"(\w+)"/g), ([, name]) => name!));
  return [Object.fromEntries(names.map((name) => [name, valueOf(name)]))];
}

function valueOf(name: string): unknown {
  if (name.endsWith('At')) return name.includes('deleted') ? null : new Date(0);
  return /email|note/.test(name) ? 'old' : 1;
}

const IDLE = { on: () => {}, removeListener: () => {}, listeners: () => [], release: () => {} };

const POSTGRES_CLIENT = {
  Pool: class {
    on(): void {}
    connect(done: (error: undefined, connection: unknown, release: () => void) => void): void {
      const query = async (text: string): Promise<unknown> => {
        const rows = answer(text);
        return { rows, rowCount: rows.length, command: text.split(' ')[0] };
      };
      done(undefined, { ...IDLE, query }, () => {});
    }
  },
};

const MYSQL_CLIENT = {
  createPool: () => ({
    getConnection(done: (error: undefined, connection: unknown) => void): void {
      const query = async (text: string): Promise<unknown> => [
        text.startsWith('SELECT') ? answer(text) : { insertId: 1, affectedRows: 1 },
      ];
      done(undefined, { ...IDLE, promise: () => ({ query }) });
    },
  }),
};
