import { createServer } from 'node:net';

/** A cluster node also listens on its bus port; Redis' own convention keeps the two this far apart. */
export const BUS_PORT_OFFSET = 10_000;

const FIRST = 12_000;
const COUNT = 10_000;

/**
 * A loopback port nobody listens on now, whose bus port is free too. Both lie below the range from which the system takes
 * the local ports of outgoing connections (32768 on Linux), so that a server which is restarted finds its port still free.
 * Another process can take it before it is used: the caller has to be ready to try again.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if ((await isFree(port)) && (await isFree(port + BUS_PORT_OFFSET))) return port;
  }
  throw new Error(`no free loopback port found between ${FIRST} and ${FIRST + COUNT}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
