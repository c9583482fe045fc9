import { Module } from '@nestjs/common';

import { CatalogueModule } from '../catalogue/catalogue.module.js';
import { WishlistController } from './wishlist.controller.js';

@Module({ imports: [CatalogueModule], controllers: [WishlistController] })
export class WishlistModule {}
