import { Controller, Get, Header } from '@nestjs/common';
import { CacheResponse } from 'nestjs-tiered-cache/http';

import { CatalogueService } from '../catalogue/catalogue.service.js';
import { ShopPages } from './shop-pages.js';

/** What everybody gets: whole responses are cached, with or without a cookie, until a product or a review is written. */
@Controller('shop')
@CacheResponse({ ttl: '1m', scope: 'public', tags: ['products'], staleWhileRevalidate: '10m' })
export class ShopController {
  constructor(
    private readonly pages: ShopPages,
    private readonly catalogue: CatalogueService,
  ) {}

  @Get()
  @Header('Content-Type', 'text/html; charset=utf-8')
  front(): Promise<string> {
    return this.pages.front();
  }

  @Get('categories')
  async categories(): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { category } of await this.catalogue.findProducts()) {
      counts[category] = (counts[category] ?? 0) + 1;
    }
    return counts;
  }
}
