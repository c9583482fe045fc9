import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  ServiceUnavailableException,
} from '@nestjs/common';
import { CacheStoreError } from 'nestjs-tiered-cache';
import { catchError, type Observable, throwError } from 'rxjs';

/**
 * Reads never fail because of Redis. A write does, once it has been made, when Redis could not be told what it outdates:
 * whoever made it has to know, since other instances may go on answering from Redis until the entry's ttl has passed.
 */
@Injectable()
export class CacheStoreErrorInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next
      .handle()
      .pipe(
        catchError((error: unknown) =>
          throwError(() => (error instanceof CacheStoreError ? savedButNotTold(error) : error)),
        ),
      );
  }
}

function savedButNotTold(cause: CacheStoreError): ServiceUnavailableException {
  return new ServiceUnavailableException(
    'the change is saved, but the cache in Redis may show what was before for some minutes',
    { cause },
  );
}
