import { Injectable, NotFoundException } from '@nestjs/common';
import { CachedMethod, CacheManager, InvalidatesCache } from 'nestjs-tiered-cache';

import { CatalogueRepository, type Rating } from './catalogue.repository.js';
import type { NewReview, ProductChange } from './inputs.js';
import { Product } from './product.entity.js';
import { Review } from './review.entity.js';

/**
 * The catalogue, with what is cached and what makes it outdated:
 *
 * | entry                         | tag              | outdated by     |
 * |-------------------------------|------------------|-----------------|
 * | `products:<category>`         | `products`       | `updateProduct` |
 * | `product:<id>`                |                  | `updateProduct` |
 * | `reviews:<product>:<page>`    | `reviews-of:<…>` | `addReview`     |
 * | `rating:<product>`            | `reviews-of:<…>` | `addReview`     |
 */
@Injectable()
export class CatalogueService {
  constructor(
    private readonly catalogue: CatalogueRepository,
    private readonly cache: CacheManager,
  ) {}

  /** A category without products is not stored: clients may ask for any number of them. */
  @CachedMethod({
    key: 'products:{category}',
    ttl: '5m',
    tags: 'products',
    type: Product,
    unless: (products: Product[]) => products.length === 0,
  })
  async findProducts(category?: string): Promise<Product[]> {
    return this.catalogue.findProducts(category);
  }

  /** `null` is cached like any other value: asking again for what is not there costs no query. */
  @CachedMethod({ key: 'product:{id}', ttl: '10m', type: Product })
  async findProduct(id: number): Promise<Product | null> {
    return this.catalogue.findProduct(id);
  }

  /** Several at once, under the keys that `findProduct` uses, with one query for those that are not cached. */
  async findProductsByIds(ids: number[]): Promise<Product[]> {
    const idOf = new Map(ids.map((id) => [`product:${id}`, id]));
    const found = await this.cache.getOrSetMany<Product | null>(
      idOf.keys(),
      async (missing) => {
        const products = await this.catalogue.findProductsByIds(missing.map((key) => idOf.get(key)!));
        return new Map(missing.map((key) => [key, products.find(({ id }) => id === idOf.get(key)) ?? null]));
      },
      { ttl: '10m', type: Product },
    );
    return [...found.values()].filter((product) => product !== null);
  }

  @CachedMethod({
    key: 'reviews:{productId}:{page}',
    ttl: '10m',
    tags: 'reviews-of:{productId}',
    type: Review,
  })
  async findReviews(productId: number, page: number): Promise<Review[]> {
    return this.catalogue.findReviews(productId, page);
  }

  @CachedMethod({ key: 'rating:{productId}', ttl: '10m', tags: 'reviews-of:{productId}' })
  async findRating(productId: number): Promise<Rating> {
    return this.catalogue.findRating(productId);
  }

  /** One tag stands for all pages of the reviews, and for the rating, however many of them are cached. */
  @InvalidatesCache({ tags: 'reviews-of:{productId}' })
  async addReview(productId: number, review: NewReview): Promise<Review> {
    await this.getProduct(productId);
    return this.catalogue.addReview(productId, review);
  }

  /** The cache is invalidated when this has returned. In here, `findProduct` would still give the old product. */
  @InvalidatesCache({ keys: 'product:{id}', tags: 'products' })
  async updateProduct(id: number, change: ProductChange): Promise<void> {
    if (!(await this.catalogue.updateProduct(id, change))) throw noProduct(id);
  }

  async getProduct(id: number): Promise<Product> {
    const product = await this.findProduct(id);
    if (product === null) throw noProduct(id);
    return product;
  }
}

function noProduct(id: number): NotFoundException {
  return new NotFoundException(`there is no product ${id}`);
}
