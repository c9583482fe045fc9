import { Injectable, Logger, Module } from '@nestjs/common';
import type { Logger as TypeOrmLogger } from 'typeorm';

/** Counts and prints the statements that reach the database: the best evidence of what a cache saves. */
@Injectable()
export class QueryLog implements TypeOrmLogger {
  readonly #logger = new Logger('SQL');
  #started = false;
  #count = 0;

  /** Statements since `start`. */
  get count(): number {
    return this.#count;
  }

  /** Begins to count: what was before, tables and their first rows, is not of interest. */
  start(): void {
    this.#started = true;
  }

  logQuery(query: string, parameters: unknown[] = []): void {
    if (!this.#started) return;
    this.#count++;
    const readable = query.replace(/^SELECT .* FROM/, 'SELECT … FROM');
    this.#logger.log(`#${this.#count} ${readable} ${JSON.stringify(parameters)}`);
  }

  logQueryError(error: string | Error, query: string): void {
    this.#logger.error(`${error instanceof Error ? error.message : error} in ${query}`);
  }

  logQuerySlow(): void {}
  logSchemaBuild(): void {}
  logMigration(): void {}

  log(_level: 'log' | 'info' | 'warn', message: unknown): void {
    this.#logger.log(String(message));
  }
}

@Module({ providers: [QueryLog], exports: [QueryLog] })
export class QueryLogModule {}
