import type { LayerRules } from './layers.js';

/** The layers of `lib/`: the diagram of the architecture as a check. */
export const LIBRARY_RULES: LayerRules = {
  layers: [
    'compat/',
    'http/',
    'typeorm/',
    'views/',
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
    'http-semantics/',
    'primitives/',
  ],
  packages: {
    '@nestjs/': [
      'nest/',
      'compat/',
      'http/',
      'rpc/',
      'graphql/',
      'typeorm/cached-repository.module.ts',
      'views/view-cache.module.ts',
    ],
    typeorm: ['typeorm/'],
    'reflect-metadata': [
      'nest/',
      'http/metadata.ts',
      'rpc/reply-keys.ts',
      'graphql/resolver-interceptor.ts',
      'typeorm/cache-entity.ts',
    ],
    rxjs: ['nest/', 'http/', 'rpc/', 'graphql/'],
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
  'http-semantics/',
  'primitives/',
];
