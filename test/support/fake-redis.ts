import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** What a command is answered with, as it goes over the wire. */
export type Answers = (name: string, args: readonly string[]) => string;

/**
 * Stands where a Redis server would, and answers as the test wants: for what no real server can be brought to say. It says what
 * a client has to hear before it counts a connection as ready.
 */
export class FakeRedis {
  readonly host = '127.0.0.1';
  /** How many commands it was asked, but for those of making a connection. */
  asked = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  constructor(private readonly answers: Answers) {
    this.#server = createServer((socket) => this.#accept(socket));
  }

  async start(): Promise<this> {
    await once(this.#server.listen(0, this.host), 'listening');
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server.close(), 'close');
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setEncoding('latin1');
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    let received = '';
    socket.on('data', (text: string) => {
      received += text;
      for (let next = firstCommand(received); next !== undefined; next = firstCommand(received)) {
        received = received.slice(next.length);
        socket.write(this.#answer(next.words), 'latin1');
      }
    });
  }

  #answer([name = '', ...args]: string[]): string {
    const command = name.toUpperCase();
    if (command === 'HELLO') return "-ERR unknown command 'HELLO'\r\n";
    if (command === 'INFO') return bulk('redis_version:7.0.0\r\nloading:0\r\n');
    if (['CLIENT', 'SELECT', 'AUTH', 'READONLY'].includes(command)) return '+OK\r\n';
    if (command !== 'CLUSTER') this.asked++;
    return this.answers(command, args);
  }
}

export function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

/** The first command of what was received, once it is complete, and how long it is. */
function firstCommand(received: string): { words: string[]; length: number } | undefined {
  const head = /^\*(\d+)\r\n/.exec(received);
  if (head === null) return undefined;
  let at = head[0].length;
  const words: string[] = [];
  for (let i = 0; i < Number(head[1]); i++) {
    const size = /^\$(\d+)\r\n/.exec(received.slice(at, at + 20));
    if (size === null) return undefined;
    const from = at + size[0].length;
    at = from + Number(size[1]) + 2;
    if (received.length < at) return undefined;
    words.push(received.slice(from, at - 2));
  }
  return { words, length: at };
}
