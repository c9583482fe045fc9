import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { startFaultProxy, type FaultProxy, type FaultProxyOptions } from './fault-proxy.js';
import type { Endpoint } from './proxied-connection.js';
import { until } from './until.js';

/** A socket and all that happened to it. */
export class Peer {
  received = '';
  ended = false;
  closed = false;
  error: string | undefined;

  constructor(readonly socket: Socket) {
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => (this.received += text));
    socket.on('end', () => (this.ended = true));
    socket.on('close', () => (this.closed = true));
    socket.on('error', (error: NodeJS.ErrnoException) => (this.error = error.code));
  }

  /** Nothing has told it that its connection is not whole. */
  get untold(): boolean {
    return !this.ended && !this.closed;
  }

  async has(text: string): Promise<void> {
    await until(() => this.received === text, { what: `a socket receiving "${text.slice(-20)}"` });
  }

  /** Sends `text` and waits for it to come back. */
  async echo(text: string): Promise<void> {
    const before = this.received;
    this.socket.write(text);
    await this.has(before + text);
  }
}

/** Greets with its name and sends everything back. */
export class EchoServer {
  readonly peers: Peer[] = [];
  readonly #server: Server;

  constructor(name: string) {
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.peers.push(new Peer(socket));
      socket.write(name);
      socket.on('data', (text: string) => socket.write(text, 'latin1'));
    });
  }

  async start(): Promise<this> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    return this;
  }

  get address(): Endpoint {
    return { host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port };
  }

  async stop(): Promise<void> {
    for (const { socket } of this.peers) socket.destroy();
    if (this.#server.listening) await once(this.#server.close(), 'close');
  }
}

export const GREETING = '>';

/** An echo server, proxies in front of it and clients of both. */
export class ProxyBench {
  readonly server = new EchoServer(GREETING);
  readonly #clients: Peer[] = [];
  readonly #proxies: FaultProxy[] = [];

  async proxy(options?: FaultProxyOptions): Promise<FaultProxy> {
    const proxy = await startFaultProxy(this.server.address, options);
    this.#proxies.push(proxy);
    return proxy;
  }

  async dial({ host, port }: Endpoint): Promise<Peer> {
    const client = new Peer(connect({ host, port, noDelay: true }));
    this.#clients.push(client);
    await once(client.socket, 'connect');
    return client;
  }

  /** A connection through `proxy` that has echoed an "a", and its far side. */
  async through(proxy: FaultProxy): Promise<{ client: Peer; far: Peer }> {
    const client = await this.dial(proxy);
    await client.has(GREETING);
    await client.echo('a');
    return { client, far: this.server.peers.at(-1) as Peer };
  }

  /** Time enough for a byte that nothing holds up: many round trips past the proxies. */
  async amplePassingTime(): Promise<void> {
    const { socket } = await this.dial(this.server.address);
    for (let round = 0; round < 50; round++) {
      socket.write('.');
      await once(socket, 'data');
    }
    socket.destroy();
  }

  async stop(): Promise<void> {
    for (const { socket } of this.#clients) socket.destroy();
    await Promise.all(this.#proxies.map((proxy) => proxy.stop()));
    await this.server.stop();
  }
}
