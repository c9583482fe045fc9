// Rendered pages: a hit renders nothing, and is the miss.
import { Controller, Get, Header, HttpCode, Param, Render, Res } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import Handlebars from 'handlebars';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { CacheResponse } from '../../lib/http/index.js';
import { ADAPTERS, comparable, HttpApp, isHit, Said, type AnyResponse } from './apps.js';

const TEMPLATES = {
  page: '<h1>{{title}} & ☃ {{render}}</h1>',
  broken: '{{fail}}',
};

let calls = 0;
let renders = 0;
let broken = false;
let folder: string;

@Controller()
@CacheResponse({ ttl: '1h', scope: 'public' })
class Pages {
  @Get('page/:id')
  @Render('page')
  @CacheResponse({ tags: ({ params }) => [`page:${params['id']}`] })
  page(@Param('id') id: string) {
    calls++;
    return { title: `Page <${id}>` };
  }

  @Get('status')
  @HttpCode(203)
  @Header('X-Own', 'yes')
  @Render('page')
  async status() {
    calls++;
    await Promise.resolve();
    return { title: 'Status' };
  }

  @Get('by-hand')
  byHand(@Res() response: AnyResponse) {
    calls++;
    const data = { title: 'By hand' };
    response.status(203);
    return response.render === undefined ? response.view!('page', data) : response.render('page', data);
  }

  @Get('broken')
  @Render('broken')
  broken() {
    calls++;
    return {};
  }
}

beforeEach(() => {
  calls = 0;
  renders = 0;
  broken = false;
});
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pages-'));
  for (const [name, text] of Object.entries(TEMPLATES)) writeFileSync(join(folder, `${name}.hbs`), text);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(ADAPTERS)('on %s', (adapter) => {
  let app: HttpApp;
  const said = new Said();

  beforeEach(async () => {
    const handlebars = Handlebars.create();
    handlebars.registerHelper('render', () => ++renders);
    handlebars.registerHelper('fail', () => {
      renders++;
      if (broken) throw new Error('no such thing');
      return 'mended';
    });
    app = await HttpApp.start(adapter, [Pages], {
      logger: said,
      prepare: (nest) => {
        if (adapter === 'fastify') {
          const options = { engine: { handlebars }, templates: folder, viewExt: 'hbs' };
          (nest as unknown as NestFastifyApplication).setViewEngine(options);
          return;
        }
        const express = nest as unknown as NestExpressApplication;
        express.setBaseViewsDir(folder);
        express.setViewEngine('hbs');
        express.engine('hbs', (path: string, data: object, done: (error: unknown, html?: string) => void) => {
          let html: string;
          try {
            html = handlebars.compile(readFileSync(path, 'utf8'))(data);
          } catch (error) {
            done(error);
            return;
          }
          done(null, html);
        });
      },
    });
  });
  afterEach(() => app.close());

  it.each([
    ['page/1', 200, '<h1>Page &lt;1&gt; & ☃ 1</h1>'],
    ['status', 203, '<h1>Status & ☃ 1</h1>'],
    ['by-hand', 203, '<h1>By hand & ☃ 1</h1>'],
  ])('%s is rendered once', async (path, status, text) => {
    const miss = await app.get(`/${path}`);
    expect([miss.status, miss.text]).toEqual([status, text]);
    expect(miss.headers['content-type']).toMatch(/^text\/html; charset=utf-8$/i);
    for (let i = 0; i < 2; i++) {
      const hit = await app.get(`/${path}`);
      expect(comparable(hit)).toEqual(comparable(miss));
      expect(isHit(hit)).toBe(true);
    }
    expect([calls, renders]).toEqual([1, 1]);
  });

  it('is rendered once for all who ask at once', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => app.get('/page/1')));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect([calls, renders]).toEqual([1, 1]);
  });

  it('is rendered anew when it was invalidated, and that one only', async () => {
    for (const id of [1, 2]) await app.get(`/page/${id}`);
    await app.cache.invalidateTags(['page:1']);
    expect((await app.get('/page/1')).text).toBe('<h1>Page &lt;1&gt; & ☃ 3</h1>');
    expect((await app.get('/page/2')).text).toBe('<h1>Page &lt;2&gt; & ☃ 2</h1>');
  });

  it('is a 304 for who has it, without rendering', async () => {
    const etag = String((await app.get('/page/1')).headers.etag);
    const { status, text } = await app.get('/page/1', { 'if-none-match': etag });
    expect([status, text, renders]).toEqual([304, '', 1]);
  });

  it('is not stored when rendering fails', async () => {
    broken = true;
    expect((await app.get('/broken')).status).toBe(500);
    broken = false;
    const mended = await app.get('/broken');
    expect([mended.status, mended.text, isHit(mended)]).toEqual([200, 'mended', false]);
    expect(isHit(await app.get('/broken'))).toBe(true);
    expect(renders).toBe(2);
  });
});
