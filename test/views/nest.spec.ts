import { Controller, Get, Header, Module, Param, Render, Res } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import Handlebars from 'handlebars';

import { CacheManager, CacheModule, getCacheToken } from '../../lib/index.js';
import { ViewCache, ViewCacheModule } from '../../lib/views/index.js';
import { failure } from '../support/deferred.js';
import { openTheatre, removeFolders, type Theatre } from './theatre.js';

const TEMPLATES = {
  page: '<h1>{{title}}</h1>{{{cards}}}',
  card: '<li>{{name}}</li>',
};

const PRODUCTS = [
  { id: 1, version: 1, name: 'Chair' },
  { id: 2, version: 1, name: 'Table & co' },
];

const CARDS = '<li>Chair</li><li>Table &amp; co</li>';

interface Responder {
  render(view: string, data: object): void;
}

@Controller()
class ShopController {
  constructor(private readonly views: ViewCache) {}

  @Get('cards/:id')
  @Header('content-type', 'text/html; charset=utf-8')
  async card(@Param('id') id: string): Promise<string> {
    const product = PRODUCTS.find((one) => one.id === Number(id));
    const of = product && { key: product.id, version: product.version };
    return this.views.cacheFragment('card', { of: of ?? null, data: product ?? { name: 'nothing' } });
  }

  @Get('page')
  @Render('page')
  async page(): Promise<object> {
    const cards = await Promise.all(PRODUCTS.map(({ id }) => this.card(String(id))));
    return { title: 'Shop', cards: cards.join('') };
  }

  @Get('by-hand')
  async byHand(@Res() response: Responder): Promise<void> {
    response.render('page', await this.page());
  }
}

const apps: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});
afterAll(removeFolders);

function shopOf({ engine }: Theatre): unknown {
  // The shop itself imports nothing: the cache of views is there for all.
  @Module({ controllers: [ShopController] })
  class ShopModule {}
  @Module({ imports: [CacheModule.forRoot(), ViewCacheModule.forRoot({ engine }), ShopModule] })
  class AppModule {}
  return AppModule;
}

async function text(app: { getUrl(): Promise<string> }, path: string): Promise<string> {
  const response = await fetch(`${await app.getUrl()}/${path}`);
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(response.status).toBe(200);
  return response.text();
}

describe('in an application', () => {
  it('on Express: in handlers, with @Render and res.render', async () => {
    const theatre = openTheatre(TEMPLATES);
    const module = await Test.createTestingModule({ imports: [shopOf(theatre) as never] }).compile();
    const app = module.createNestApplication<NestExpressApplication>();
    apps.push(app);
    app.setBaseViewsDir(theatre.folder);
    app.setViewEngine('hbs');
    app.engine('hbs', (path: string, data: object, done: (error: unknown, html?: string) => void) => {
      done(null, Handlebars.compile(readFileSync(path, 'utf8'))(data));
    });
    await app.listen(0, '127.0.0.1');
    for (let i = 0; i < 2; i++) {
      expect(await text(app, 'cards/2')).toBe('<li>Table &amp; co</li>');
      expect(await text(app, 'cards/3')).toBe('<li>nothing</li>');
      expect(await text(app, 'page')).toBe(`<h1>Shop</h1>${CARDS}`);
      expect(await text(app, 'by-hand')).toBe(`<h1>Shop</h1>${CARDS}`);
    }
    expect(theatre.news()).toEqual(['card', 'card', 'card']);
  });

  it('on Fastify, with @fastify/view and the same instance of Handlebars', async () => {
    const handlebars = Handlebars.create();
    handlebars.registerHelper('name', () => 'from a helper');
    const theatre = openTheatre({ ...TEMPLATES, card: '<li>{{name}}</li>' }, { handlebars });
    const module = await Test.createTestingModule({ imports: [shopOf(theatre) as never] }).compile();
    const app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter());
    apps.push(app);
    app.setViewEngine({ engine: { handlebars }, templates: theatre.folder, viewExt: 'hbs' });
    await app.listen(0, '127.0.0.1');
    const helped = '<li>from a helper</li>';
    for (let i = 0; i < 2; i++) {
      expect(await text(app, 'cards/1')).toBe(helped);
      expect(await text(app, 'page')).toBe(`<h1>Shop</h1>${helped}${helped}`);
    }
    expect(theatre.news()).toEqual(['card', 'card']);
  });

  it('on a cache with a name', async () => {
    const { engine } = openTheatre(TEMPLATES);
    @Module({
      imports: [
        CacheModule.forRoot(),
        CacheModule.forRoot({ name: 'pages' }),
        ViewCacheModule.forRoot({ engine, cache: 'pages' }),
      ],
    })
    class AppModule {}
    const app = await Test.createTestingModule({ imports: [AppModule] }).compile();
    apps.push(app);
    await app.init();
    await app.get(ViewCache).cacheFragment('card');
    expect(app.get<CacheManager>(getCacheToken('pages')).stats()).toMatchObject({ loads: 1 });
    expect(app.get(CacheManager).stats()).toMatchObject({ loads: 0 });
  });

  it('by a factory of the application', async () => {
    const { engine } = openTheatre(TEMPLATES);
    @Module({
      imports: [CacheModule.forRoot()],
      providers: [
        {
          provide: ViewCache,
          inject: [CacheManager],
          useFactory: (cache: CacheManager) => new ViewCache(cache, { engine, reload: true }),
        },
      ],
    })
    class AppModule {}
    const app = await Test.createTestingModule({ imports: [AppModule] }).compile();
    apps.push(app);
    expect(await app.get(ViewCache).cacheFragment('card', { data: { name: 'x' } })).toBe('<li>x</li>');
  });

  it('does not start with wrong options', async () => {
    @Module({ imports: [CacheModule.forRoot(), ViewCacheModule.forRoot({} as never)] })
    class AppModule {}
    const error = await failure(Test.createTestingModule({ imports: [AppModule] }).compile());
    expect(error).toMatchObject({ code: 'CACHE_CONFIG_INVALID', option: 'engine' });
  });
});
