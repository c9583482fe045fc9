import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';

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
