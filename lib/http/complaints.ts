import { Logger } from '@nestjs/common';

import { RefreshError } from './background-request.js';
import type { Route } from './route.js';

const log = new Logger('ResponseCache');
const SAID = new WeakMap<Route, Set<string>>();

/** Says what is wrong with a handler whose responses are cached. @param topic of one topic only the first message is said */
export function complain(route: Route, topic: string, message: string): void {
  const said = SAID.get(route) ?? new Set();
  SAID.set(route, said);
  if (said.has(topic)) return;
  said.add(topic);
  log.error(message);
}

/**
 * Says that a response could not be refreshed: whoever asks gets the old one, and sees nothing of it until that is over.
 * What an error of the application says may be nobody's business but its own.
 */
export function complainOfRefresh(route: Route, error: unknown): void {
  const what = error instanceof Error ? `it threw a ${error.name}` : 'it threw what is no error';
  const why = error instanceof RefreshError ? error.message : what;
  complain(route, 'refresh', `a response of ${route.place} could not be refreshed in the background: ${why}`);
}
