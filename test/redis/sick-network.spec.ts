// The network between an instance and Redis fails in every way a network can.
import { afterAll, afterEach, beforeAll, describe, it } from '@jest/globals';

import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';
import { PRECISE } from './instances.js';
import { expectUnharmed, type Sickness } from './sick.js';

let server: RedisServer;
/** In front of the instance that is looked at. */
let proxy: FaultProxy;
let cutting: NodeJS.Timeout | undefined;

beforeAll(async () => {
  server = await startRedis({ args: PRECISE });
  proxy = await startFaultProxy(server);
});
afterEach(async () => {
  clearInterval(cutting);
  await proxy.heal();
});
afterAll(async () => {
  await proxy.stop();
  await server.stop();
});

type Fault = Pick<Sickness, 'name' | 'begin' | 'opens' | 'lasts'> & { end?: () => unknown };

const FAULTS: Fault[] = [
  { name: 'connections are refused', begin: () => proxy.refuse(), opens: ['unreachable'] },
  {
    name: 'connections are reset again and again',
    begin: () => {
      proxy.cut();
      cutting = setInterval(() => proxy.cut(), 10);
    },
    end: () => {
      clearInterval(cutting);
      proxy.cut();
    },
    opens: ['unreachable'],
  },
  { name: 'a black hole', begin: () => proxy.blackHole(), opens: ['silent'], lasts: 4_000 },
  { name: 'answers come 3 s late', begin: () => proxy.delay(3_000), opens: ['silent'], lasts: 5_000 },
  {
    name: 'answers drip, 2,000 bytes a second',
    begin: () => proxy.throttle(2_000),
    opens: ['silent'],
    lasts: 4_000,
  },
  {
    name: 'connections are half open',
    begin: () => proxy.halfOpen(),
    opens: ['silent'],
    lasts: 3_500,
  },
];

describe('nobody waits for Redis, and it is used again at once, when', () => {
  it.each(FAULTS)('$name', async (fault) => {
    await expectUnharmed({
      redis: { port: proxy.port },
      witness: { port: server.port },
      end: () => proxy.heal(),
      ...fault,
      ...(fault.end && { end: fault.end }),
    });
  });
});
