// The application of docs/responses.md.
import { Readable } from 'node:stream';
import {
  type CallHandler,
  Controller,
  type ExecutionContext,
  Get,
  Header,
  Headers,
  HttpException,
  Injectable,
  type NestInterceptor,
  NotFoundException,
  Param,
  Post,
  Put,
  Query,
  StreamableFile,
  UseInterceptors,
} from '@nestjs/common';
import { map } from 'rxjs';

import { CacheResponse, InvalidatesResponses, NoCache } from '../../lib/http/index.js';
import { InvalidatesCache } from '../../lib/index.js';

/** How often handlers have run, whether they fail now, and what the interceptor around has seen. */
export const state = { calls: 0, broken: false, seen: [] as unknown[] };

const run = (): { run: number } => {
  if (state.broken) throw new HttpException('broken', 503);
  return { run: ++state.calls };
};

@Injectable()
class Envelope implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler) {
    const response = context.switchToHttp().getResponse<{ header(name: string, value: string): void }>();
    response.header('X-Before', `${state.seen.length}`);
    return next.handle().pipe(
      map((data: unknown) => {
        state.seen.push(data);
        response.header('X-After', `${state.seen.length}`);
        return { data };
      }),
    );
  }
}

@Injectable()
export class ProductsService {
  @InvalidatesCache({ tags: 'product:{id}' })
  async rename(id: string) {
    return id;
  }
}

@Controller('products')
export class Products {
  constructor(private readonly products: ProductsService) {}

  @Get() @CacheResponse({ ttl: '1m', query: ['page'] }) list(@Query('page') page = '1') {
    return { page, ...run() };
  }
  @Get('me')
  @CacheResponse({ ttl: '1m', scope: 'private', identity: ({ headers }) => headers.authorization })
  me(@Headers('authorization') who = 'nobody') {
    return { who, ...run() };
  }
  @Get('mine')
  @CacheResponse({ ttl: '1m', scope: 'private', identity: ({ user }) => user?.id })
  mine() {
    return run();
  }
  @Get('page')
  @CacheResponse({ ttl: '1m', scope: 'public', vary: ['Accept-Language'] })
  page(@Headers('accept-language') language: string) {
    return { language, ...run() };
  }
  @Get('browser') @CacheResponse({ ttl: '1m', scope: 'public', maxAge: 10, sharedMaxAge: 30 }) browser() {
    return run();
  }
  @Get('set-cookie') @CacheResponse({ ttl: '1m', scope: 'public' }) @Header('Set-Cookie', 'a=1') cookie() {
    return run();
  }
  @Get('stale') @CacheResponse({ ttl: '50ms', staleWhileRevalidate: '1m' }) stale() {
    return run();
  }
  @Get('down') @CacheResponse({ ttl: '50ms', staleIfError: '1m' }) down() {
    return run();
  }
  @Get('none/:id') @CacheResponse({ ttl: '1m', negativeTtl: '1m' }) none(): never {
    throw new NotFoundException(`none ${++state.calls}`);
  }
  @Get('hosts') @CacheResponse({ ttl: '1m', hosts: ['shop.example'] }) hosts() {
    return run();
  }
  @Get('origin')
  @CacheResponse({ freshness: 'origin' })
  @Header('Cache-Control', 'max-age=0, private')
  @Header('CDN-Cache-Control', 'max-age=60')
  origin() {
    return run();
  }
  @Get('envelope')
  @CacheResponse({ ttl: '1m' })
  @UseInterceptors(Envelope)
  envelope() {
    return run();
  }
  @Get('big') @CacheResponse({ ttl: '1m' }) big() {
    return `${++state.calls}`.padEnd(1_048_577);
  }
  @Get('file') @CacheResponse({ ttl: '1m' }) file() {
    return new StreamableFile(Readable.from([`${++state.calls}`, '123456789']));
  }
  @Get('vary/:n')
  @CacheResponse({ ttl: '1m', scope: 'public' })
  @Header('Vary', 'A, B, C, D, E, F, G, H')
  vary8() {
    return run();
  }
  @Get('vary9') @CacheResponse({ ttl: '1m', scope: 'public' }) @Header('Vary', 'A,B,C,D,E,F,G,H,I') vary9() {
    return run();
  }
  @Get(':id') @CacheResponse({ ttl: '5m', tags: ({ params }) => [`product:${params['id']}`] }) show(
    @Param('id') id: string,
  ) {
    return { id, ...run() };
  }
  @Put(':id') @InvalidatesResponses({ paths: ['/products'] }) update() {
    return run();
  }
  @Post(':id/name') rename(@Param('id') id: string) {
    return this.products.rename(id);
  }
}

@Controller('all')
@CacheResponse({ ttl: '1m' })
export class All {
  @Get() read() {
    return run();
  }
  @Get('envelope')
  @CacheResponse({ ttl: '1m' })
  @UseInterceptors(Envelope)
  envelope() {
    return run();
  }
  @Get('fresh') @NoCache() fresh() {
    return run();
  }
  @Put() write() {
    return run();
  }
}

@Controller('plain')
export class Plain {
  @Get() read() {
    return run();
  }
  @Put() write() {
    return run();
  }
}
