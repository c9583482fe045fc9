import { setTimeout as delay } from 'node:timers/promises';

import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, Repository } from 'typeorm';

import { Settings } from '../settings.js';
import type { NewReview, ProductChange } from './inputs.js';
import { Product } from './product.entity.js';
import { Review } from './review.entity.js';

/** What the reviews of a product say together. */
export interface Rating {
  count: number;
  /** 1 to 5, with one decimal; null without reviews. */
  average: number | null;
}

export const REVIEWS_PER_PAGE = 5;

/** The database's side of the catalogue. It knows nothing of the cache. */
@Injectable()
export class CatalogueRepository {
  constructor(
    @InjectRepository(Product) private readonly products: Repository<Product>,
    @InjectRepository(Review) private readonly reviews: Repository<Review>,
    private readonly settings: Settings,
  ) {}

  findProducts(category: string | undefined): Promise<Product[]> {
    const where = category === undefined ? {} : { category };
    return this.slowly(() => this.products.find({ where, order: { id: 'ASC' } }));
  }

  findProduct(id: number): Promise<Product | null> {
    return this.slowly(() => this.products.findOneBy({ id }));
  }

  findProductsByIds(ids: number[]): Promise<Product[]> {
    return this.slowly(() => this.products.findBy({ id: In(ids) }));
  }

  /** The newest first. */
  findReviews(productId: number, page: number): Promise<Review[]> {
    return this.slowly(() =>
      this.reviews.find({
        where: { productId },
        order: { writtenAt: 'DESC', id: 'DESC' },
        skip: (page - 1) * REVIEWS_PER_PAGE,
        take: REVIEWS_PER_PAGE,
      }),
    );
  }

  async findRating(productId: number): Promise<Rating> {
    const rating = await this.slowly(() =>
      this.reviews
        .createQueryBuilder('review')
        .select('COUNT(*)', 'count')
        .addSelect('ROUND(AVG(review.rating), 1)', 'average')
        .where({ productId })
        .getRawOne<Rating>(),
    );
    return rating!;
  }

  async addReview(productId: number, review: NewReview): Promise<Review> {
    const added = this.reviews.create({ ...review, productId, writtenAt: new Date() });
    await this.reviews.insert(added);
    return added;
  }

  /** Whether there was such a product. */
  async updateProduct(id: number, change: ProductChange): Promise<boolean> {
    const { affected } = await this.products.update(id, change);
    return affected === 1;
  }

  private async slowly<T>(query: () => Promise<T>): Promise<T> {
    await delay(this.settings.queryCost);
    return query();
  }
}
