import { connect, type Socket } from 'node:net';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** How bytes travel. */
export interface Shape {
  /** Asked for each chunk: how many milliseconds later it arrives. */
  lag(): number;
  /** Bytes per second in each direction of each connection. */
  rate(): number;
}

/** Beyond a bounded rate bytes arrive in pieces of so many milliseconds. */
const PIECE = 10;

/** So many deliveries are taken out of their queue together: to shift a queue of thousands copies all of it, each time. */
const DELIVERED_AT_MOST = 1_000;

/** The two sides of one proxied connection and what is on its way between them. */
export class ProxiedConnection {
  /** Resolves once no socket is left. */
  readonly closed: Promise<void>;
  readonly #client: Socket;
  readonly #server: Socket | undefined;
  readonly #lanes: readonly Lane[];
  #halfOpen = false;

  /**
   * @param target without one the connection leads nowhere: whatever the client sends is swallowed
   */
  constructor(client: Socket, target: Endpoint | undefined, shape: Shape) {
    this.#client = client;
    if (target === undefined) {
      this.#lanes = [];
      client.on('error', () => undefined);
      client.resume();
    } else {
      const { host, port } = target;
      this.#server = connect({ host, port, allowHalfOpen: true, noDelay: true });
      this.#lanes = [new Lane(client, this.#server, shape), new Lane(this.#server, client, shape)];
    }
    this.closed = Promise.all([client, this.#server].map(closing)).then(() => undefined);
  }

  get isOpen(): boolean {
    return !this.#client.destroyed && !this.#client.readableEnded;
  }

  /** Both sides get an RST, and what was on its way is lost. */
  reset(): void {
    this.swallow();
    reset(this.#client);
    if (this.#server) reset(this.#server);
  }

  /** From now on neither side hears of the other, not even that it left. */
  swallow(): void {
    for (const lane of this.#lanes) lane.swallow();
  }

  /** The server loses its client, and the client never hears of it. */
  halfOpen(): void {
    this.#halfOpen = true;
    this.swallow();
    this.#server?.destroy();
  }

  /** Ends a black hole: a stream with a gap in it must not go on. A dead server is not brought back. */
  heal(): void {
    if (this.#halfOpen) return;
    if (this.#lanes.length === 0 || this.#lanes.some((lane) => lane.swallows)) this.reset();
    else for (const lane of this.#lanes) lane.hurry();
  }
}

interface Delivery {
  at: number;
  readonly run: () => void;
}

/** One direction of a connection. The end of the stream and a reset travel in line, as late as the bytes before them. */
class Lane {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #shape: Shape;
  readonly #queue: Delivery[] = [];
  /** How many of the first in the queue have been delivered. */
  #delivered = 0;
  #timer: NodeJS.Timeout | undefined;
  #swallows = false;
  /** When all that is on its way has arrived, where the rate is bounded. */
  #busyUntil = 0;

  constructor(from: Socket, to: Socket, shape: Shape) {
    this.#from = from;
    this.#to = to;
    this.#shape = shape;
    from.on('data', (chunk: Buffer) => this.#carry(chunk));
    from.on('end', () => this.#send(() => to.end()));
    from.on('error', () => this.#send(() => reset(to)));
    for (const event of ['connect', 'drain']) to.on(event, () => this.#resume());
  }

  get swallows(): boolean {
    return this.#swallows;
  }

  /** Loses what is on its way and all that is still to come; it is read all the same, so that no sender gets stuck. */
  swallow(): void {
    this.#swallows = true;
    this.#forget(this.#queue.length);
    clearTimeout(this.#timer);
    this.#from.resume();
  }

  /** Delivers now what is on its way. */
  hurry(): void {
    this.#busyUntil = 0;
    for (const delivery of this.#queue) delivery.at = 0;
    this.#deliver();
  }

  #carry(chunk: Buffer): void {
    const rate = this.#shape.rate();
    const piece = rate === Infinity ? chunk.length : Math.max(1, Math.round((rate * PIECE) / 1000));
    for (let from = 0; from < chunk.length; from += piece) {
      const part = chunk.subarray(from, from + piece);
      this.#busyUntil = Math.max(this.#busyUntil, performance.now()) + (part.length / rate) * 1000;
      this.#send(() => this.#to.write(part));
    }
  }

  #send(run: () => void): void {
    if (this.#swallows) return;
    const at = Math.max(performance.now(), this.#busyUntil) + this.#shape.lag();
    this.#queue.push({ at, run });
    this.#deliver();
  }

  #resume(): void {
    this.#from.resume();
    this.#deliver();
  }

  /**
   * Only ever looks at the first in line that was not delivered, which keeps the order. Nothing is handed to a socket that cannot send it yet: once
   * there it could not be swallowed any more.
   */
  #deliver(): void {
    clearTimeout(this.#timer);
    for (let next = this.#first; next; next = this.#first) {
      if (this.#to.connecting || this.#to.writableNeedDrain) {
        this.#from.pause();
        return;
      }
      const early = next.at - performance.now();
      if (early > 0) {
        // A timer may fire a fraction of a millisecond early: then another one takes over.
        this.#timer = setTimeout(() => this.#deliver(), early);
        return;
      }
      if (++this.#delivered >= DELIVERED_AT_MOST) this.#forget(this.#delivered);
      next.run();
    }
    this.#forget(this.#delivered);
  }

  get #first(): Delivery | undefined {
    return this.#queue[this.#delivered];
  }

  #forget(count: number): void {
    this.#queue.splice(0, count);
    this.#delivered = 0;
  }
}

function reset(socket: Socket): void {
  // Neither a socket that is not connected nor one whose end is still being sent can be reset.
  const unable = socket.connecting || (socket.writableEnded && !socket.writableFinished);
  if (unable) socket.destroy();
  else if (!socket.destroyed) socket.resetAndDestroy();
}

function closing(socket: Socket | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (socket) socket.once('close', () => resolve());
    else resolve();
  });
}
