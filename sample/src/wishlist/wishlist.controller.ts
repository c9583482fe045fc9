import { Controller, Get, HttpCode, Param, Put, Req, UseGuards } from '@nestjs/common';
import { CacheResponse, type HttpRequest, InvalidatesResponses } from 'nestjs-tiered-cache/http';

import { CatalogueService } from '../catalogue/catalogue.service.js';
import { parseId } from '../catalogue/inputs.js';
import { type ProductSummary, productSummary } from '../catalogue/views.js';
import { Input } from '../http/input.pipe.js';
import { type User, UserGuard } from './user.guard.js';

const nameOf = ({ user }: HttpRequest): string => (user as User).name;
const tagOf = (request: HttpRequest): string => `wishlist:${nameOf(request)}`;

/** Each user has a response of his own; the guard decides who that is, on every request. */
@Controller('wishlist')
@UseGuards(UserGuard)
export class WishlistController {
  private readonly wishes = new Map<string, Set<number>>();

  constructor(private readonly catalogue: CatalogueService) {}

  @Get()
  @CacheResponse({
    ttl: '5m',
    scope: 'private',
    identity: nameOf,
    tags: (request) => ['products', tagOf(request)],
  })
  async list(@Req() request: HttpRequest): Promise<ProductSummary[]> {
    const ids = [...(this.wishes.get(nameOf(request)) ?? [])];
    const products = await this.catalogue.findProductsByIds(ids);
    return products.flatMap((product) => (product === null ? [] : [productSummary(product)]));
  }

  /** The list of this user is made anew, and nobody else's. */
  @Put(':id')
  @HttpCode(204)
  @InvalidatesResponses({ tags: (request) => [tagOf(request)] })
  async add(@Req() request: HttpRequest, @Param('id', new Input(parseId)) id: number): Promise<void> {
    await this.catalogue.getProduct(id);
    const name = nameOf(request);
    this.wishes.set(name, new Set(this.wishes.get(name)).add(id));
  }
}
