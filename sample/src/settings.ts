import { Injectable, Module } from '@nestjs/common';

/** What the environment decides. */
@Injectable()
export class Settings {
  readonly port = wholeNumber('PORT', 3000, 65_535);
  /** The cache's second tier; without it, memory is the only one. */
  readonly redisUrl = process.env['REDIS_URL'] || undefined;
  /** Milliseconds by which every query that reads is slowed down, as if the database were a busy one. */
  readonly queryCost = wholeNumber('QUERY_COST_MS', 300, 60_000);
}

@Module({ providers: [Settings], exports: [Settings] })
export class SettingsModule {}

function wholeNumber(name: string, fallback: number, most: number): number {
  const text = process.env[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= most) return value;
  throw new Error(`${name} is '${text}': expected a whole number from 0 to ${most}`);
}
