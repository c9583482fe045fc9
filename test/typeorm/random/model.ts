// Three tables that cascade into each other, and one that is linked by a junction. A trigger gives each row that is written a
// stamp from one sequence while the row is locked: of one row, what is committed later has the higher stamp.
import 'reflect-metadata';

import {
  Column,
  DataSource,
  DeleteDateColumn,
  Entity,
  JoinTable,
  ManyToMany,
  ManyToOne,
  OneToMany,
  PrimaryGeneratedColumn,
} from 'typeorm';

import { CacheEntity } from '../../../lib/typeorm/cache-entity.js';

/** Of every table. */
export abstract class Stamped {
  @PrimaryGeneratedColumn() id!: number;
  /** Another one with each write that knows of it. */
  @Column({ default: '' }) value!: string;
  @Column({ default: 0 }) kind!: number;
  @Column({ default: 0 }) hits!: number;
  @Column({ default: 0, insert: false, update: false }) stamp!: number;
}

@CacheEntity({ ttl: '10m' })
@Entity()
export class Author extends Stamped {
  @Column({ unique: true }) email!: string;
  @OneToMany(() => Book, (book) => book.author) books!: Book[];
}

@CacheEntity<Book>({ ttl: '10m', partitionBy: ['author'] })
@Entity()
export class Book extends Stamped {
  @ManyToOne(() => Author, (author) => author.books, { onDelete: 'CASCADE', nullable: false })
  author!: Author;
  @OneToMany(() => Review, (review) => review.book) reviews!: Review[];
  @ManyToMany(() => Tag, (tag) => tag.books) @JoinTable({ name: 'book_tag' }) tags!: Tag[];
  @DeleteDateColumn() deletedAt!: Date | null;
}

@CacheEntity<Review>({ ttl: '10m', partitionBy: ['book'] })
@Entity()
export class Review extends Stamped {
  @ManyToOne(() => Book, (book) => book.reviews, { onDelete: 'CASCADE', nullable: false }) book!: Book;
}

@CacheEntity({ ttl: '10m' })
@Entity()
export class Tag extends Stamped {
  @ManyToMany(() => Book, (book) => book.tags) books!: Book[];
}

export const ENTITIES = { author: Author, book: Book, review: Review, tag: Tag };
export type TableName = keyof typeof ENTITIES;
export const TABLES = Object.keys(ENTITIES) as TableName[];

/** The setting of a connection that says for which operation it writes. */
export const OPERATION = 'random.operation';

/** What is written is noted in the same transaction: what is there in the end is what was committed. */
const HISTORY = `
  CREATE SEQUENCE stamps;
  CREATE TABLE history (stamp int PRIMARY KEY, "table" text, row text, operation text, state jsonb);
  CREATE FUNCTION stamp_row() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    NEW.stamp := nextval('stamps');
    RETURN NEW;
  END $$;
  CREATE FUNCTION note_row() RETURNS trigger LANGUAGE plpgsql AS $$
  DECLARE
    state jsonb := CASE WHEN TG_OP = 'DELETE' THEN to_jsonb(OLD) ELSE to_jsonb(NEW) END;
    number int := CASE WHEN TG_OP <> 'DELETE' AND state ? 'stamp' THEN (state->>'stamp')::int ELSE nextval('stamps') END;
    name text := coalesce(state->>'id', concat(state->>'bookId', '-', state->>'tagId'));
  BEGIN
    INSERT INTO history VALUES (number, TG_TABLE_NAME, name, current_setting('${OPERATION}', true),
      CASE WHEN TG_OP = 'DELETE' THEN NULL ELSE state END);
    RETURN NULL;
  END $$`;

function triggersOf(table: string): string {
  const stamped = `CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON ${table} FOR EACH ROW EXECUTE FUNCTION stamp_row();`;
  const noted = `CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON ${table} FOR EACH ROW EXECUTE FUNCTION note_row();`;
  return table === 'book_tag' ? noted : stamped + noted;
}

/** @param connections how many it may have at once */
export async function openSource(url: string, connections = 4): Promise<DataSource> {
  return new DataSource({
    type: 'postgres',
    url,
    entities: Object.values(ENTITIES),
    poolSize: connections,
  }).initialize();
}

/** Tables, triggers and some rows in an empty database. */
export async function createTables(url: string): Promise<void> {
  const source = await openSource(url);
  try {
    await source.synchronize();
    await source.query(HISTORY);
    for (const table of [...TABLES, 'book_tag']) await source.query(triggersOf(table));
    // Transactions lock rows in any order.
    await source.query(
      `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = 20', current_database()); END $$`,
    );
    await source.query(`
      INSERT INTO author (email, kind) SELECT 'a' || n, n % 3 FROM generate_series(1, 8) n;
      INSERT INTO book ("authorId", kind) SELECT 1 + n % 8, n % 3 FROM generate_series(1, 30) n;
      INSERT INTO review ("bookId", kind) SELECT 1 + n % 30, n % 3 FROM generate_series(1, 40) n;
      INSERT INTO tag (kind) SELECT n % 3 FROM generate_series(1, 6) n;
      INSERT INTO book_tag SELECT 1 + n % 30, 1 + n % 6 FROM generate_series(1, 30) n`);
  } finally {
    await source.destroy();
  }
}
