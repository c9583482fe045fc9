import { Body, Controller, Get, NotFoundException, Param, Patch, Post, Query } from '@nestjs/common';

import { InvalidatesResponses } from 'nestjs-tiered-cache/http';
import type { CachedEntity } from 'nestjs-tiered-cache/typeorm';

import { Input } from '../http/input.pipe.js';
import { CatalogueService } from './catalogue.service.js';
import {
  type NewReview,
  parseCategory,
  parseId,
  parseIds,
  parseNewReview,
  parsePage,
  parseProductChange,
  type ProductChange,
} from './inputs.js';
import type { Review } from './review.entity.js';
import { type ProductDetails, productDetails, type ProductSummary, productSummary } from './views.js';

@Controller('products')
export class CatalogueController {
  constructor(private readonly catalogue: CatalogueService) {}

  @Get()
  async list(@Query('category', new Input(parseCategory)) category?: string): Promise<ProductSummary[]> {
    const products = await this.catalogue.findProducts(category);
    return products.map(productSummary);
  }

  @Get('compare')
  async compare(@Query('ids', new Input(parseIds)) ids: number[]): Promise<ProductSummary[]> {
    const products = await this.catalogue.findProductsByIds(ids);
    const absent = ids.filter((_, i) => products[i] === null);
    if (absent.length > 0) throw new NotFoundException(`there is no product ${absent.join(', ')}`);
    return products.map((product) => productSummary(product!));
  }

  @Get(':id')
  async show(@Param('id', new Input(parseId)) id: number): Promise<ProductDetails> {
    const product = await this.catalogue.getProduct(id);
    const rating = await this.catalogue.findRating(id);
    return productDetails(product, rating);
  }

  @Patch(':id')
  @InvalidatesResponses({ tags: ['products'] })
  async update(
    @Param('id', new Input(parseId)) id: number,
    @Body(new Input(parseProductChange)) change: ProductChange,
  ): Promise<ProductDetails> {
    await this.catalogue.updateProduct(id, change);
    return this.show(id);
  }

  @Get(':id/reviews')
  async reviews(
    @Param('id', new Input(parseId)) id: number,
    @Query('page', new Input(parsePage)) page: number,
  ): Promise<CachedEntity<Review>[]> {
    await this.catalogue.getProduct(id);
    return this.catalogue.findReviews(id, page);
  }

  @Post(':id/reviews')
  @InvalidatesResponses({ tags: ['products'] })
  async review(
    @Param('id', new Input(parseId)) id: number,
    @Body(new Input(parseNewReview)) review: NewReview,
  ): Promise<Review> {
    return this.catalogue.addReview(id, review);
  }
}
