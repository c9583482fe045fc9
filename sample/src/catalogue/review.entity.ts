import { CacheEntity } from 'nestjs-tiered-cache/typeorm';
import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';

/** Lists of reviews are always of one product: those of another one are left alone when a review is written. */
@CacheEntity<Review>({ ttl: '10m', partitionBy: ['productId'] })
@Entity()
export class Review {
  @PrimaryGeneratedColumn()
  id!: number;

  @Index()
  @Column()
  productId!: number;

  @Column()
  author!: string;

  /** 1 to 5. */
  @Column()
  rating!: number;

  @Column()
  text!: string;

  @Column()
  writtenAt!: Date;
}
