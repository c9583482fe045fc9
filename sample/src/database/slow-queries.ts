import { setTimeout as delay } from 'node:timers/promises';

import { Injectable } from '@nestjs/common';
import { DataSource, type EntitySubscriberInterface } from 'typeorm';

import { Settings } from '../settings.js';

/** Makes every query that reads a table slow, as if the database were a busy one. TypeORM awaits this before it asks. */
@Injectable()
export class SlowQueries implements EntitySubscriberInterface {
  constructor(
    private readonly settings: Settings,
    database: DataSource,
  ) {
    database.subscribers.push(this);
  }

  async beforeQuery({ query }: { query: string }): Promise<void> {
    if (/^SELECT .* FROM/.test(query)) await delay(this.settings.queryCost);
  }
}
