import { Logger } from '@nestjs/common';

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
