import type { RedisServer } from '../support/redis-server.js';
import type { FaultProxy } from '../support/fault-proxy.js';

/**
 * What waiting for messages costs by itself, whether any come or not; and what asking for these figures does, which Redis
 * before 7.0 counts without its subcommand.
 */
const BUS = ['getrange', 'xread', 'info', 'config|resetstat', 'config'];

/**
 * How often each command was carried out since `CONFIG RESETSTAT`, those within scripts included; without what the bus does
 * all the time.
 */
export async function commandsOf(server: RedisServer): Promise<Record<string, number>> {
  const stats = await server.command('INFO', 'commandstats');
  const counts: Record<string, number> = {};
  for (const [, name, calls] of stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)) {
    if (!BUS.includes(name!)) counts[name!] = Number(calls);
  }
  return counts;
}

/** The commands that something leads to. */
export async function commandsFor(
  server: RedisServer,
  run: () => Promise<unknown>,
): Promise<Record<string, number>> {
  await server.command('CONFIG', 'RESETSTAT');
  await run();
  return commandsOf(server);
}

/** How many messages the stream holds. */
export async function messagesIn(server: RedisServer, namespace: string): Promise<number> {
  return Number(await server.command('XLEN', `{${namespace}}~invalidations`));
}

/** How long a byte takes to get through in either direction, in milliseconds: far longer than anything else here. */
const DELAY = 75;

/**
 * How many round trips something waits for, one after the other: how often it takes the time of one, over connections that
 * are slowed down so much that nothing else counts.
 */
export async function roundTripsOf(proxy: FaultProxy, run: () => Promise<unknown>): Promise<number> {
  proxy.delay(DELAY);
  const begun = performance.now();
  await run();
  const took = performance.now() - begun;
  await proxy.heal();
  return Math.floor(took / (2 * DELAY));
}
