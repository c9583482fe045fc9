import type { LayerRules } from './layers.js';

/** The layers of `lib/`: the diagram of the architecture as a check. */
export const LIBRARY_RULES: LayerRules = {
  layers: [
    'typeorm/',
    'graphql/',
    'index.ts',
    'repository/',
    'rpc/',
    'nest/',
    'create-cache.ts',
    'open-store.ts',
    'core/',
    'tiers/',
    'stores/',
    'coherence/',
    'codec/',
    'observability/',
    'typeorm/sql/',
    'primitives/',
  ],
  packages: {
    '@nestjs/': ['nest/', 'rpc/', 'graphql/', 'typeorm/cached-repository.module.ts'],
    typeorm: ['typeorm/'],
    'reflect-metadata': ['nest/', 'rpc/', 'graphql/', 'typeorm/cache-entity.ts'],
    rxjs: ['nest/', 'rpc/', 'graphql/'],
    graphql: ['graphql/'],
    '@apollo/': ['graphql/'],
    acorn: ['nest/decorators/'],
    'lru-cache': ['tiers/', 'typeorm/sql/'],
    ioredis: ['stores/redis/'],
    'class-transformer': ['codec/class-metadata.ts'],
  },
  maxLines: 250,
};

/** Layers that know no framework, no driver and no ORM; stores are the only place for drivers. */
export const FRAMEWORK_FREE = [
  'repository/',
  'core/',
  'tiers/',
  'coherence/',
  'codec/',
  'observability/',
  'typeorm/sql/',
  'primitives/',
];
