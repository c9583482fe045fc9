// Entities of all kinds: classes of one table, embedded objects, transformers, keys of many types, a schema that changes.
import 'reflect-metadata';

import {
  ChildEntity,
  Column,
  CreateDateColumn,
  Entity,
  JoinColumn,
  ManyToOne,
  OneToMany,
  OneToOne,
  PrimaryColumn,
  PrimaryGeneratedColumn,
  TableInheritance,
  type Relation,
  VirtualColumn,
} from 'typeorm';

import { CacheEntity } from '../../lib/typeorm/index.js';

@CacheEntity({ name: 'content' })
@Entity()
@TableInheritance({ column: { type: 'varchar', name: 'kind' } })
export class Content {
  @PrimaryGeneratedColumn() id!: number;
  @Column() title!: string;
}

@ChildEntity()
export class Photo extends Content {
  @Column({ nullable: true }) width!: number;
}

@ChildEntity()
export class Article extends Content {
  @Column({ nullable: true }) words!: number;
}

export class Money {
  constructor(readonly cents: number) {}
}

export class Address {
  @Column({ nullable: true }) street!: string;
  @Column({ nullable: true }) city!: string;
}

@CacheEntity()
@Entity()
export class Customer {
  @PrimaryColumn('varchar') code!: string;
  @Column(() => Address) home!: Address;
  @Column({
    type: 'integer',
    transformer: { to: (money: Money) => money?.cents, from: (cents: number) => new Money(cents) },
  })
  balance!: Money;
  @CreateDateColumn() since!: Date;
  @OneToOne(() => Profile, (profile) => profile.customer) profile!: Relation<Profile>;
  @OneToMany(() => Invoice, (invoice) => invoice.customer) invoices!: Invoice[];
}

@CacheEntity()
@Entity()
export class Profile {
  @PrimaryGeneratedColumn('uuid') id!: string;
  @Column() text!: string;
  @OneToOne(() => Customer, (customer) => customer.profile, { onDelete: 'CASCADE', nullable: true })
  @JoinColumn()
  customer!: Relation<Customer> | null;
}

/** Eager relations come with each entity. */
@CacheEntity()
@Entity()
export class Invoice {
  @PrimaryGeneratedColumn() id!: number;
  @Column() total!: number;
  @ManyToOne(() => Customer, (customer) => customer.invoices, {
    eager: true,
    onDelete: 'CASCADE',
    nullable: true,
  })
  customer!: Relation<Customer> | null;
}

/** Two tenants see different rows. */
export const tenant: { current: string | undefined } = { current: undefined };

@CacheEntity({ context: () => tenant.current })
@Entity()
export class Secret {
  @PrimaryGeneratedColumn() id!: number;
  @Column() text!: string;
}

@CacheEntity()
@Entity()
export class Computed {
  @PrimaryGeneratedColumn() id!: number;
  @VirtualColumn({ query: () => 'SELECT 1' }) one!: number;
}

export const KINDS = [Content, Photo, Article, Customer, Profile, Invoice, Secret, Computed];
