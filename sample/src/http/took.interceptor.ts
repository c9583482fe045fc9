import type { ServerResponse } from 'node:http';

import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { type Observable, tap } from 'rxjs';

/** Says in a header how long a request took. */
@Injectable()
export class TookInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const began = performance.now();
    const response = context.switchToHttp().getResponse<ServerResponse>();
    const stamp = () => {
      response.setHeader('x-took-ms', (performance.now() - began).toFixed(1));
    };
    return next.handle().pipe(tap({ next: stamp, error: stamp }));
  }
}
