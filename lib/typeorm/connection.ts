import type { QueryRunner } from 'typeorm';

import type { Session } from '../repository/contract.js';

/** What has a transaction: runners come and go, and connections are passed on. */
export function connectionOf(runner: QueryRunner): Session {
  return (runner as { databaseConnection?: Session }).databaseConnection ?? runner;
}
