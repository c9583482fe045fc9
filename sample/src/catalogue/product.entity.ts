import { CacheEntity } from 'nestjs-tiered-cache/typeorm';
import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

@CacheEntity({ ttl: '10m' })
@Entity()
export class Product {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column()
  name!: string;

  @Column()
  category!: string;

  @Column()
  description!: string;

  @Column()
  priceCents!: number;

  @Column()
  addedAt!: Date;

  /** A method of the class: it is there on cached products too, which are of this class. */
  price(): string {
    return `${(this.priceCents / 100).toFixed(2)} EUR`;
  }
}
