import { Injectable, NotFoundException } from '@nestjs/common';
import { CachedMethod, InvalidatesCache } from 'nestjs-tiered-cache';
import { type CachedEntity, CachedRepository, InjectCachedRepository } from 'nestjs-tiered-cache/typeorm';

import type { NewReview, ProductChange } from './inputs.js';
import { Product } from './product.entity.js';
import { Review } from './review.entity.js';

/** What the reviews of a product say together. */
export interface Rating {
  count: number;
  /** 1 to 5, with one decimal; null without reviews. */
  average: number | null;
}

const REVIEWS_PER_PAGE = 5;

/**
 * The catalogue. What the repositories read is cached, and outdated by whatever writes to their tables:
 *
 * | read                      | outdated by a write to                                 |
 * |---------------------------|--------------------------------------------------------|
 * | a product, a review       | that row                                               |
 * | lists of products         | `product`                                              |
 * | the reviews of a product  | `review`, of this product: it is partitioned by that   |
 *
 * A rating is no entity, so it is cached by a decorator, and the method that changes it says so.
 */
@Injectable()
export class CatalogueService {
  constructor(
    @InjectCachedRepository(Product) private readonly products: CachedRepository<Product>,
    @InjectCachedRepository(Review) private readonly reviews: CachedRepository<Review>,
  ) {}

  async findProducts(category?: string): Promise<CachedEntity<Product>[]> {
    // Clients may ask for any number of categories: those that do not exist get no entries.
    if (category !== undefined && !(await this.findCategories()).has(category)) return [];
    const where = category === undefined ? {} : { category };
    return this.products.cached({ ttl: '5m' }).find({ where, order: { id: 'ASC' } });
  }

  /** `null` is cached like any other value: asking again for what is not there costs no query. */
  findProduct(id: number): Promise<CachedEntity<Product> | null> {
    return this.products.findById(id);
  }

  /** Several at once, with one query for those that are not cached; `null` for what is not there. */
  findProductsByIds(ids: number[]): Promise<(CachedEntity<Product> | null)[]> {
    return this.products.findByIds(ids);
  }

  /** The newest first. */
  findReviews(productId: number, page: number): Promise<CachedEntity<Review>[]> {
    return this.reviews.cached().find({
      where: { productId },
      order: { writtenAt: 'DESC', id: 'DESC' },
      skip: (page - 1) * REVIEWS_PER_PAGE,
      take: REVIEWS_PER_PAGE,
    });
  }

  @CachedMethod({ key: 'rating:{productId}', ttl: '10m', tags: 'rating-of:{productId}' })
  async findRating(productId: number): Promise<Rating> {
    const rating = await this.reviews.repository
      .createQueryBuilder('review')
      .select('COUNT(*)', 'count')
      .addSelect('ROUND(AVG(review.rating), 1)', 'average')
      .where({ productId })
      .getRawOne<Rating>();
    return rating!;
  }

  /** Of the reviews nothing has to be said here: they are seen to be written. The rating is ours to look after. */
  @InvalidatesCache({ tags: 'rating-of:{productId}' })
  async addReview(productId: number, review: NewReview): Promise<Review> {
    await this.getProduct(productId);
    const written = this.reviews.repository.create({ ...review, productId, writtenAt: new Date() });
    // `save`, not `insert`: it tells of which product this review is, so that only its lists are outdated.
    return this.reviews.save(written);
  }

  /** The product, and every list that may have it, are outdated once this has returned. */
  async updateProduct(id: number, change: ProductChange): Promise<void> {
    const { affected } = await this.products.update(id, change);
    if (affected !== 1) throw noProduct(id);
  }

  async getProduct(id: number): Promise<CachedEntity<Product>> {
    const product = await this.findProduct(id);
    if (product === null) throw noProduct(id);
    return product;
  }

  private async findCategories(): Promise<Set<string>> {
    const products = await this.products.cached({ ttl: '5m' }).find({ select: { category: true } });
    return new Set(products.map(({ category }) => category));
  }
}

function noProduct(id: number): NotFoundException {
  return new NotFoundException(`there is no product ${id}`);
}
