import type { ReadContext } from './read-context.js';

/** An id: its values in the order of the key's columns, and their text, which is the same for `5` and `'5'`. */
export interface EntityId {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** A row as it is stored: what the ORM makes an instance from, and nothing that is hidden. The codec has to know its values. */
export type Row = Readonly<Record<string, unknown>>;

/** A part of a table: the rows that have a value in a column. */
export interface Partition {
  readonly column: string;
  /** As text, the same for equal values. */
  readonly value: string;
}

/** What a query reads of a table. */
export interface Read {
  readonly table: string;
  /** The parts that it cannot see beyond; `undefined` when it may see the whole table. */
  readonly partitions: readonly Partition[] | undefined;
}

/** What the cache knows of an entity. */
export interface EntityShape {
  /** The database; the same name is the same database. */
  readonly source: string;
  /** The table that holds its rows, within the source. */
  readonly table: string;
  /** What its keys begin with: `user` → `user:42`. */
  readonly name: string;
  /** Different when rows are stored differently: another set of columns, other types. */
  readonly schema: string;
}

/**
 * On which connection something runs; `undefined` for one of its own. It is the ORM's business what it is. Work in one
 * transaction has one and the same session.
 */
export type Session = object;

/** A query for instances: it finds out which ones, and they are stored once, by their ids. */
export interface InstancesPlan {
  readonly kind: 'instances';
  /** Whether rows that are marked as deleted belong to it. */
  readonly withDeleted: boolean;
  /** Tells it from every other query of this entity. */
  readonly key: string;
  readonly reads: readonly Read[];
  /** Whose rows it may see of other entities that it reads, where these have contexts. */
  readonly context?: ReadContext | undefined;
  /** @returns the ids in the order of the result, and how many there are in all if the query asks for that */
  run(session: Session | undefined): Promise<{ readonly ids: readonly EntityId[]; readonly count?: number }>;
}

/** A query for anything else: what it gives is stored as it is. */
export interface ValuePlan<T> {
  readonly kind: 'value';
  readonly key: string;
  readonly reads: readonly Read[];
  /** As for {@link InstancesPlan}. */
  readonly context?: ReadContext | undefined;
  /** @returns something the codec knows */
  run(session: Session | undefined): Promise<unknown>;
  /** Makes the result of what was stored; a new one each time if it can be changed. */
  revive(stored: unknown): T | Promise<T>;
}

/**
 * What the cache needs of an ORM, for one entity of one data source: to describe it, to fetch rows by their ids, and to make
 * instances of rows. Queries come as plans, writes and transactions through {@link WriteLog}. Another ORM is another
 * implementation of this.
 */
export interface EntityAdapter<Entity extends object> {
  readonly shape: EntityShape;
  /**
   * Whether the database may take ids for one that differ in their texts, as `a` and `A`. Then more statements are needed to
   * tell which row was asked for by which id. Default false.
   */
  readonly looseIds?: boolean;
  /**
   * An id that somebody asks for, or the `values` of one, as they were stored with a list.
   * @throws CacheEntityError unless it is an id of this entity
   */
  idFrom(id: unknown): EntityId;
  /** The id of a row that {@link fetch} gave. */
  idOfRow(row: Row): EntityId;
  /** One statement, if the database takes one for so many. @returns the rows there are, in any order, those included that are marked as deleted */
  fetch(ids: readonly EntityId[], session: Session | undefined): Promise<readonly Row[]>;
  /** Whether a row is only there for who asks for deleted ones as well. */
  isDeleted(row: Row): boolean;
  /** A new instance, with nothing of the row in it that can be changed: other readers get the same row. */
  hydrate(row: Row): Entity | Promise<Entity>;
  /**
   * What is read without a session is what everybody may see if this is the same before and after, and not `undefined`. Where
   * all share one connection, it is `undefined` while somebody has a transaction open on it, and another one afterwards.
   */
  committedState(): number | undefined;
}
