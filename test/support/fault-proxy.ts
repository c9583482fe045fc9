import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { freePort } from './ports.js';
import { type Endpoint, ProxiedConnection, type Shape } from './proxied-connection.js';

export interface FaultProxyOptions {
  /** Where jitter comes from, for runs that can be repeated; default `Math.random`. */
  random?: () => number;
}

const HOST = '127.0.0.1';
const ATTEMPTS = 5;

/** Starts a TCP proxy on a free loopback port, in which the network between a client and `target` can be made to fail. */
export async function startFaultProxy(
  target: Endpoint,
  { random = Math.random }: FaultProxyOptions = {},
): Promise<FaultProxy> {
  for (let attempt = 1; ; attempt++) {
    const proxy = new FaultProxy(await freePort(), target, random);
    try {
      await proxy.heal();
      return proxy;
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

/**
 * A proxy whose faults take effect before the method that makes them returns; only {@link heal} and {@link stop} have
 * something to wait for. A connection is one of those "open now" once the proxy has accepted it, which can be a moment after
 * its client was told that it is connected: wait for {@link connections}, or for a reply, before counting on it.
 *
 * Connecting itself is not delayed, and the system still acknowledges swallowed bytes: TCP keep-alive does not notice that
 * they are lost, only a client's own time limits do.
 */
export class FaultProxy {
  readonly host = HOST;
  readonly port: number;
  readonly #random: () => number;
  readonly #open = new Set<ProxiedConnection>();
  readonly #shape: Shape = {
    lag: () => this.#delay + (this.#jitter > 0 ? this.#random() * this.#jitter : 0),
    rate: () => this.#rate,
  };
  #target: Endpoint;
  #delay = 0;
  #jitter = 0;
  #rate = Infinity;
  #blackHole = false;
  #server: Server | undefined;
  #listening: Promise<unknown> | undefined;
  #stopped = false;

  /** Listens from the first {@link heal} on. */
  constructor(port: number, target: Endpoint, random: () => number) {
    this.port = port;
    this.#target = target;
    this.#random = random;
  }

  /** The connections now open that their clients have not ended. */
  get connections(): number {
    return [...this.#open].filter((connection) => connection.isOpen).length;
  }

  /** Where connections made from now on lead. */
  setTarget(target: Endpoint): void {
    this.#target = target;
  }

  /** Every chunk of bytes arrives `ms` and up to `jitterMs` more later than it was sent, in order in each direction. */
  delay(ms: number, jitterMs = 0): void {
    this.#delay = ms;
    this.#jitter = jitterMs;
  }

  /** So many bytes a second travel at most, in each direction of each connection. */
  throttle(bytesPerSecond: number): void {
    this.#rate = bytesPerSecond;
  }

  /** Resets all open connections. */
  cut(): void {
    for (const connection of this.#open) connection.reset();
  }

  /** Resets all open connections and refuses new ones until {@link heal}. */
  refuse(): void {
    const server = this.#server;
    this.#server = undefined;
    // A server that is about to listen can only be closed once it does.
    if (server?.listening === false) server.once('listening', () => server.close());
    else server?.close();
    this.cut();
  }

  /**
   * Swallows every byte in both directions until {@link heal}, and the news that a side has left. New connections are
   * accepted and lead nowhere.
   */
  blackHole(): void {
    this.#blackHole = true;
    for (const connection of this.#open) connection.swallow();
  }

  /**
   * Closes the server's side of the connections now open without a word to their clients, whose bytes are swallowed for ever,
   * as behind a router that forgot them. Not even {@link heal} ends that, only {@link cut}, {@link refuse} and {@link stop}.
   */
  halfOpen(): void {
    for (const connection of this.#open) connection.halfOpen();
  }

  /**
   * Back to normal; resolves once new connections are accepted. What is on its way late arrives now. Connections that
   * were in a black hole are reset: bytes are missing from them.
   */
  async heal(): Promise<void> {
    if (this.#stopped) throw new Error(`the proxy on port ${this.port} was stopped for good`);
    this.delay(0);
    this.#rate = Infinity;
    this.#blackHole = false;
    for (const connection of this.#open) connection.heal();
    if (!this.#server) this.#listen();
    await this.#listening;
  }

  /** Ends everything for good. May be called twice. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#listening?.catch(() => undefined);
    const connections = [...this.#open].map((connection) => connection.closed);
    this.refuse();
    await Promise.all(connections);
  }

  #listen(): void {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client));
    this.#server = server;
    this.#listening = once(server.listen(this.port, HOST), 'listening').catch((error: unknown) => {
      if (this.#server === server) this.#server = undefined;
      throw error;
    });
  }

  #accept(client: Socket): void {
    const target = this.#blackHole ? undefined : this.#target;
    const connection = new ProxiedConnection(client, target, this.#shape);
    this.#open.add(connection);
    void connection.closed.then(() => this.#open.delete(connection));
  }
}
