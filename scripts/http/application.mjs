import 'reflect-metadata';
import { All, Controller, Module, Req, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';

import { answerAs } from './origin.mjs';

/**
 * A Nest application on a free port of the loopback interface. The suite's tests go to one handler, which is cached; what its
 * client tells and asks the origin (config, state) goes to others, which are not.
 */
export async function startOrigin({ handlers }, { fastify, cached }) {
  const cache = cached ? await import('./cached.mjs') : undefined;
  // oxlint-disable-next-line typescript/no-extraneous-class -- gets its handlers below, from the suite
  class OriginController {}
  Controller()(OriginController);
  route(OriginController, 'config', handlers.config);
  route(OriginController, 'state', handlers.state);
  route(OriginController, 'test', handlers.test, cache?.decorators());

  // oxlint-disable-next-line typescript/no-extraneous-class -- a Nest module is an empty class with a decorator
  class AppModule {}
  Module({ imports: cache?.modules() ?? [], controllers: [OriginController] })(AppModule);

  const adapter = fastify ? await fastifyAdapter() : new ExpressAdapter();
  // The origin reads bodies itself.
  const app = await NestFactory.create(AppModule, adapter, { bodyParser: false, logger: ['error', 'fatal'] });
  await app.listen(0, '127.0.0.1');
  return { url: await app.getUrl(), close: () => app.close() };
}

function route(controller, name, handle, decorators = []) {
  const { prototype } = controller;
  prototype[name] = (request, response) => answerAs(handle, request.raw ?? request, response.raw ?? response);
  Req()(prototype, name, 0);
  Res()(prototype, name, 1);
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
  // A wildcard is spelled differently by Express and by Fastify.
  const paths = All([`${name}/:test`, `${name}/:test/:file`]);
  for (const decorate of [paths, ...decorators]) decorate(prototype, name, descriptor);
}

async function fastifyAdapter() {
  const { FastifyAdapter } = await import('@nestjs/platform-fastify');
  // Node's own default. An answer of unknown length ends with its connection, and the suite's client waits for ten seconds.
  const adapter = new FastifyAdapter({ keepAliveTimeout: 5_000 });
  const server = adapter.getInstance();
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', (_request, _body, done) => done(null));
  // A method that the suite invents, so to say, to see whether caches know which ones are safe.
  server.addHttpMethod('M-SEARCH', { hasBody: true });
  return adapter;
}
