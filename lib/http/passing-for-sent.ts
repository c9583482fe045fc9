import { ServerResponse, validateHeaderValue } from 'node:http';

import { functionIn, isChunk } from './response-tap.js';

const SETTERS = ['setHeader', 'setHeaders', 'appendHeader', 'removeHeader'];

/**
 * Makes properties of a response read otherwise.
 * @returns what takes that back
 */
export function shadow(raw: ServerResponse, properties: Readonly<Record<string, unknown>>): () => void {
  const before = Object.keys(properties).map(
    (name) => [name, Object.getOwnPropertyDescriptor(raw, name)] as const,
  );
  for (const [name, value] of Object.entries(properties)) {
    Object.defineProperty(raw, name, { value, writable: true, configurable: true });
  }
  return () => {
    for (const [name, own] of before) {
      if (own === undefined) Reflect.deleteProperty(raw, name);
      else Object.defineProperty(raw, name, own);
    }
  };
}

/**
 * Lets a head that is still here pass for sent: nobody changes it any more, as after Node's own `writeHead`.
 * @returns what makes it ready to be sent, as it was
 * @throws TypeError when Node would not send it
 */
export function passForSent(raw: ServerResponse): () => void {
  const { statusCode } = raw;
  // HTTP/2 has no message, and Node warns of whoever looks at it.
  const message = raw instanceof ServerResponse ? { statusMessage: raw.statusMessage } : {};
  if (message.statusMessage) validateHeaderValue('status-message', message.statusMessage);
  const refusals = SETTERS.map((name) => [name, refuse] as const);
  const takeBack = shadow(raw, { headersSent: true, ...Object.fromEntries(refusals) });
  return () => {
    takeBack();
    Object.assign(raw, { statusCode }, message);
  };
}

/**
 * Lets a response that is still here pass for sent and ended: nobody adds anything to it any more.
 * @returns what makes it ready to be sent, as it was
 * @throws TypeError when Node would not send it
 */
export function passForEnded(raw: ServerResponse): () => void {
  const release = passForSent(raw);
  const write = (...args: unknown[]): boolean => {
    refuseLate(args);
    return false;
  };
  const end = (...args: unknown[]): ServerResponse => {
    refuseLate(args);
    return raw;
  };
  const nothing = (): void => {};
  const takeBack = shadow(raw, { writableEnded: true, writeHead: refuse, flushHeaders: nothing, write, end });
  return () => {
    takeBack();
    release();
  };
}

/** As Node does. */
export function refuse(): never {
  throw Object.assign(new Error('Cannot set headers after they are sent to the client'), {
    code: 'ERR_HTTP_HEADERS_SENT',
  });
}

/** What Node takes for the body, or for none. */
export function isBody(chunk: unknown): boolean {
  return (
    !isChunk(chunk) || typeof chunk === 'string' || typeof chunk === 'function' || chunk instanceof Uint8Array
  );
}

/** Tells whoever writes to a response that has been ended, as Node does. */
export function refuseLate(args: readonly unknown[]): void {
  const done = functionIn(args) as ((error: Error) => void) | undefined;
  const error = Object.assign(new Error('write after end'), { code: 'ERR_STREAM_WRITE_AFTER_END' });
  if (done !== undefined) process.nextTick(done, error);
}
