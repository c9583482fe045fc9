// A library: what is in its tables is asked for by views, virtual columns, composite keys and lazy relations.
import 'reflect-metadata';

import {
  Column,
  Entity,
  Index,
  JoinColumn,
  ManyToOne,
  OneToMany,
  PrimaryColumn,
  PrimaryGeneratedColumn,
  type Relation,
  ViewColumn,
  ViewEntity,
  VirtualColumn,
} from 'typeorm';

import { CacheEntity } from '../../lib/typeorm/index.js';

@CacheEntity()
@Entity()
export class Writer {
  @PrimaryGeneratedColumn() id!: number;
  @Column({ unique: true }) name!: string;
  @OneToMany(() => Book, (book) => book.writer, { cascade: true }) books!: Relation<Book>[];
}

@CacheEntity<Book>({ partitionBy: ['writerId'] })
@Entity()
export class Book {
  @PrimaryGeneratedColumn() id!: number;
  @Column() title!: string;
  @Column({ nullable: true, unique: true }) isbn!: string;
  @Column({ nullable: true }) writerId!: number | null;
  @ManyToOne(() => Writer, (writer) => writer.books, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'writerId' })
  writer!: Relation<Writer> | null;
  @ManyToOne(() => Book, { nullable: true }) sequelOf!: Relation<Book> | null;
}

@CacheEntity()
@Entity()
export class Loan {
  @PrimaryGeneratedColumn() id!: number;
  @ManyToOne(() => Book, { onDelete: 'CASCADE' }) book!: Relation<Book>;
}

/** In an order of its own. */
@CacheEntity()
@Entity({ orderBy: { title: 'ASC' } })
export class Sorted {
  @PrimaryGeneratedColumn() id!: number;
  @Column() title!: string;
  @ManyToOne(() => Writer, { nullable: true, onUpdate: 'CASCADE' }) writer!: Relation<Writer> | null;
}

@CacheEntity()
@ViewEntity({ expression: 'SELECT "id", "name" FROM "writer"' })
export class WriterView {
  @PrimaryColumn() id!: number;
  @ViewColumn() name!: string;
  @OneToMany(() => Badge, (badge) => badge.patron) badges!: Relation<Badge>[];
}

@Entity()
export class Shelf {
  @PrimaryGeneratedColumn() id!: number;
  @Column() name!: string;
  @VirtualColumn({ query: () => 'SELECT COUNT(*) FROM "book"' }) books!: number;
  @OneToMany(() => Slot, (slot) => slot.shelf) slots!: Relation<Slot>[];
}

@CacheEntity()
@Entity()
@Index(['name'], { unique: true, where: '"id" > 100' })
export class Slot {
  @PrimaryGeneratedColumn() id!: number;
  @Column() name!: string;
  @ManyToOne(() => Shelf, (shelf) => shelf.slots) shelf!: Relation<Shelf>;
}

@CacheEntity({ exclude: ['books'] })
@Entity()
export class Rack {
  @PrimaryGeneratedColumn() id!: number;
  @VirtualColumn({ query: () => 'SELECT COUNT(*) FROM "book"' }) books!: number;
}

@CacheEntity()
@Entity()
export class Member {
  @PrimaryColumn() writerId!: number;
  @PrimaryColumn() rackId!: number;
  @Column({ default: '' }) role!: string;
  @OneToMany(() => Badge, (badge) => badge.member) badges!: Relation<Badge>[];
}

@CacheEntity()
@Entity()
export class Badge {
  @PrimaryGeneratedColumn() id!: number;
  @ManyToOne(() => Member, (member) => member.badges) member!: Relation<Member>;
  @ManyToOne(() => WriterView, (writer) => writer.badges, {
    nullable: true,
    createForeignKeyConstraints: false,
  })
  patron!: Relation<WriterView> | null;
  @ManyToOne(() => Writer, { nullable: true })
  @JoinColumn({ name: 'ownerName', referencedColumnName: 'name' })
  owner!: Relation<Writer> | null;
}

@CacheEntity()
@Entity()
export class Series {
  @PrimaryGeneratedColumn() id!: number;
  @OneToMany(() => Volume, (volume) => volume.series) volumes!: Promise<Volume[]>;
}

@CacheEntity()
@Entity()
export class Volume {
  @PrimaryGeneratedColumn() id!: number;
  @Column() title!: string;
  @ManyToOne(() => Series, (series) => series.volumes) series!: Promise<Series>;
}

export const LIBRARY = [
  Writer,
  Book,
  Sorted,
  WriterView,
  Shelf,
  Slot,
  Rack,
  Member,
  Badge,
  Series,
  Volume,
  Loan,
];
