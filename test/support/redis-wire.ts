import { createConnection } from 'node:net';

export interface RedisAddress {
  host: string;
  port: number;
  password?: string;
}

/**
 * Sends commands over a connection of their own and gives the last one's reply. Only replies that are a line or one bulk
 * string are understood: that is all it takes to manage servers, without the client whose use is under test.
 */
export function redisCommand(address: RedisAddress, ...command: (string | number)[]): Promise<string> {
  const commands = [command.map(String)];
  if (address.password !== undefined) commands.unshift(['AUTH', address.password]);
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: address.host, port: address.port });
    let received = '';
    const finish = (settle: () => void): void => {
      socket.destroy();
      settle();
    };
    socket.setEncoding('latin1');
    socket.setTimeout(5_000, () => finish(() => reject(new Error(`no reply to ${command[0]} within 5 s`))));
    socket.on('error', (error) => finish(() => reject(error)));
    socket.on('close', () => reject(new Error(`connection closed before the reply to ${command[0]}`)));
    socket.on('data', (chunk: string) => {
      received += chunk;
      const reply = replies(received)[commands.length - 1];
      if (reply === undefined) return;
      finish(() => (reply.startsWith('-') ? reject(new Error(reply.slice(1))) : resolve(reply.slice(1))));
    });
    socket.write(commands.map(encode).join(''));
  });
}

function encode(command: string[]): string {
  const parts = command.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`);
  return `*${command.length}\r\n${parts.join('')}`;
}

/** The complete replies in what has arrived so far, each with its type mark in front. */
function replies(received: string): string[] {
  const found: string[] = [];
  let rest = received;
  for (;;) {
    const end = rest.indexOf('\r\n');
    if (end === -1) return found;
    const line = rest.slice(0, end);
    const after = end + 2;
    if (!line.startsWith('$') || line === '$-1') {
      found.push(line);
      rest = rest.slice(after);
      continue;
    }
    const length = Number(line.slice(1));
    if (rest.length < after + length + 2) return found;
    found.push(`$${rest.slice(after, after + length)}`);
    rest = rest.slice(after + length + 2);
  }
}
