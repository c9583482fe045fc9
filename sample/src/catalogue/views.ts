import type { CachedEntity } from 'nestjs-tiered-cache/typeorm';

import type { Rating } from './catalogue.service.js';
import type { Product } from './product.entity.js';

export interface ProductSummary {
  id: number;
  name: string;
  category: string;
  price: string;
}

export interface ProductDetails extends ProductSummary {
  description: string;
  addedAt: Date;
  rating: Rating;
}

export function productSummary(product: CachedEntity<Product>): ProductSummary {
  const { id, name, category } = product;
  return { id, name, category, price: product.price() };
}

export function productDetails(product: CachedEntity<Product>, rating: Rating): ProductDetails {
  const { description, addedAt } = product;
  return { ...productSummary(product), description, addedAt, rating };
}
