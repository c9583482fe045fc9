import type { ExecutionContext } from '@nestjs/common';

import type { RequestWithCredentials } from '../nest/audience.js';

/** A request as `identity` sees it. The payload is part of the key in any case. */
export interface RpcRequest extends RequestWithCredentials {
  /** The payload. */
  readonly data: unknown;
  /** The transport's context: `TcpContext`, `KafkaContext`, the `Metadata` of gRPC. */
  readonly context: unknown;
  /** What came beside the payload (headers, metadata, user properties), by name in lower case. Empty for none. */
  readonly headers: Readonly<Record<string, unknown>>;
  /** What a guard has set as `user` of the context. */
  readonly user?: unknown;
}

export function requestOf(execution: ExecutionContext): RpcRequest {
  const rpc = execution.switchToRpc();
  const context = rpc.getContext<unknown>();
  const user = (context as { user?: unknown } | null | undefined)?.user;
  return { data: rpc.getData<unknown>(), context, headers: headersOf(context), user };
}

/**
 * The pattern that a request came by, which the contexts of the transports call by different names. A handler may have
 * several, and wildcards among them.
 * @returns `undefined` when the transport has none of these
 */
export function patternOf(context: unknown): string | undefined {
  for (const getter of ['getPattern', 'getSubject', 'getTopic', 'getChannel']) {
    const pattern = ask(context, getter);
    if (typeof pattern === 'string') return pattern;
  }
  return undefined;
}

/** Transports keep them in different places. */
function headersOf(context: unknown): Readonly<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  // gRPC; TCP and Redis; NATS; Kafka and RabbitMQ; MQTT.
  const message = ask(context, 'getMessage');
  const packet = ask(context, 'getPacket');
  for (const source of [
    ask(context, 'getMap'),
    ask(context, 'getMetadata'),
    ask(context, 'getHeaders'),
    at(message, 'headers'),
    at(at(message, 'properties'), 'headers'),
    at(at(packet, 'properties'), 'userProperties'),
  ]) {
    for (const [name, value] of entriesOf(source)) found[name.toLowerCase()] = value;
  }
  return found;
}

/** Those of NATS are a class of their own, which can be iterated; the others are plain. */
function entriesOf(source: unknown): Iterable<readonly [string, unknown]> {
  if (typeof source !== 'object' || source === null) return [];
  const iterable = source as Partial<Iterable<readonly [string, unknown]>>;
  if (typeof iterable[Symbol.iterator] === 'function')
    return iterable as Iterable<readonly [string, unknown]>;
  return Object.entries(source);
}

function at(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function ask(context: unknown, getter: string): unknown {
  const get = at(context, getter);
  return typeof get === 'function' ? (get as () => unknown).call(context) : undefined;
}
