import { IncomingMessage, type Server, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';

import { CONDITIONS } from './client-conditions.js';
import type { Exchange } from './exchange.js';
import type { Finished, Replaced } from './run-result.js';

/** What a request would be left out for: it is run to have all of the response. */
const OF_THE_CLIENT = [...CONDITIONS, 'if-match', 'if-unmodified-since'];

/** How long a request in the background may take, in milliseconds: nobody goes away who waits for it, as clients do. */
const LONGEST = 30_000;

/** Hands a request to the application, as its HTTP server does. */
export type Dispatch = (request: IncomingMessage, response: ServerResponse) => void;

/** Why a request in the background has come to nothing. Its message has nothing of the application's. */
export class RefreshError extends Error {
  override readonly name = 'RefreshError';
}

/** What waits for a request in the background to reach its handler. */
export interface BackgroundRun {
  /** To be called by whoever runs the handler for it. */
  readonly settle: (result: Promise<Finished>) => void;
  /** The key, as far as it is known before there is a response, under which it is to be stored. */
  readonly key: string | undefined;
  /** What it is to replace, if that is to be validated. */
  readonly replaced: Replaced | undefined;
}

const RUNS = new WeakMap<IncomingMessage, BackgroundRun>();

/** What waits for this request, if it is one in the background. */
export function backgroundRunOf({ rawRequest }: Exchange): BackgroundRun | undefined {
  return RUNS.get(rawRequest);
}

/**
 * Sends a request through the application once more, with nobody to answer: all that runs on a request runs, as middleware and
 * guards, and its handler does what the first one would have done.
 * @throws RefreshError when it is answered without the handler: by a guard, for instance
 */
export function runInBackground(
  exchange: Exchange,
  key: string | undefined,
  dispatch: Dispatch,
  replaced?: Replaced,
): Promise<Finished> {
  const request = copyOf(exchange.rawRequest, exchange.request.originalUrl);
  const response = new ServerResponse(request);
  response.assignSocket(new Sink() as unknown as Socket);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new RefreshError(`it was not answered within ${LONGEST / 1000} s`));
      response.destroy();
    }, LONGEST).unref();
    let hasRun = false;
    const settle = (result: Promise<Finished>): void => {
      hasRun = true;
      result.finally(() => clearTimeout(timer)).then(resolve, reject);
    };
    RUNS.set(request, { settle, key, replaced });
    const over = (): void => {
      if (hasRun) return;
      clearTimeout(timer);
      reject(new RefreshError(`it was answered ${response.statusCode} without its handler`));
    };
    response.once('finish', over).once('close', over);
    // As a server does: what was taken for a request is given back then.
    response.once('finish', () => response.destroy());
    const server = serverOf(exchange);
    if (server === undefined) dispatch(request, response);
    else server.emit('request', request, response);
  });
}

/**
 * The server that a request came by: where an application is mounted in another, or behind a server of one's own, only that one knows
 * the address. One that was injected came by none.
 */
function serverOf({ rawRequest }: Exchange): Server | undefined {
  return (rawRequest.socket as { server?: Server }).server;
}

function copyOf(original: IncomingMessage, url: string): IncomingMessage {
  const { socket } = original;
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  const { encrypted } = socket as { encrypted?: boolean };
  const facts = { remoteAddress, remotePort, localAddress, localPort, ...(encrypted && { encrypted }) };
  const double = new Socket();
  for (const [name, value] of Object.entries(facts)) Object.defineProperty(double, name, { value });
  const request = new IncomingMessage(double);
  const { httpVersion, httpVersionMajor, httpVersionMinor } = original;
  Object.assign(request, { method: 'GET', url, httpVersion, httpVersionMajor, httpVersionMinor });
  request.headers = { ...original.headers };
  for (const name of OF_THE_CLIENT) delete request.headers[name];
  request.rawHeaders = Object.entries(request.headers).flatMap(([name, value]) => [name, String(value)]);
  // It has no body.
  request.push(null);
  request.complete = true;
  return request;
}

/** Takes whatever is written. */
class Sink extends Duplex {
  override _read(): void {}

  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done();
  }
}
