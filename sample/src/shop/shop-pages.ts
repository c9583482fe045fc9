import { Injectable } from '@nestjs/common';
import { ViewCache } from 'nestjs-tiered-cache/views';

import { CatalogueService } from '../catalogue/catalogue.service.js';
import { productSummary } from '../catalogue/views.js';

/** Pages, of fragments that are rendered from `sample/views`. */
@Injectable()
export class ShopPages {
  constructor(
    private readonly views: ViewCache,
    private readonly catalogue: CatalogueService,
  ) {}

  async front(): Promise<string> {
    const products = await this.catalogue.findProducts();
    const cards = await Promise.all(products.map(({ id }) => this.card(id)));
    return `<!doctype html>\n<title>The catalogue</title>\n<ul>\n${cards.join('')}</ul>\n`;
  }

  /** Under the template and what it shows: of twelve cards, one is rendered anew when one product changes. */
  private async card(id: number): Promise<string> {
    const product = productSummary(await this.catalogue.getProduct(id));
    const rating = await this.catalogue.findRating(id);
    return this.views.cacheFragment('card', {
      of: { key: id, version: JSON.stringify([product, rating]) },
      data: { ...product, rating },
      ttl: '1d',
    });
  }
}
