import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * Middleware that says in a header how long a request took. It is set when the head goes out, so that it is no part of a
 * response that is cached.
 */
export function took(_request: IncomingMessage, response: ServerResponse, next: () => void): void {
  const began = performance.now();
  const writeHead = response.writeHead.bind(response) as (...args: unknown[]) => ServerResponse;
  Object.assign(response, {
    writeHead: (...args: unknown[]) => {
      response.setHeader('x-took-ms', (performance.now() - began).toFixed(1));
      return writeHead(...args);
    },
  });
  next();
}
