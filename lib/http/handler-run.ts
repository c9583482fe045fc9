import { type CallHandler, StreamableFile } from '@nestjs/common';
import type { Subscriber } from 'rxjs';

import { withResolvers } from '../primitives/with-resolvers.js';
import { ClientConditions } from './client-conditions.js';
import type { Exchange } from './exchange.js';
import { FailedAnswer, isFailure, sendInPlaceOfFailure } from './failed-answer.js';
import { passForEnded } from './passing-for-sent.js';
import { Recording, TOO_LARGE, WITHOUT_BODY } from './recording.js';
import { ResponseTap, type TapTarget } from './response-tap.js';
import type { Route } from './route.js';
import type { Finished, Replaced, RunResult } from './run-result.js';
import { announce, type Report, sendStored, sendUnstored, tellStatus } from './sending.js';
import {
  isUncacheable,
  readyResponse,
  type ReadyResponse,
  type StoredResponse,
  type Uncacheable,
} from './stored-response.js';
import { isKeptNegative } from './verdict.js';

/** Runs the handler of a request, whose response goes to the client as it is written, and keeps what was written. */
export class HandlerRun implements TapTarget {
  readonly replaces = false;
  readonly #tap: ResponseTap;
  readonly #recording: Recording;
  readonly #conditions: ClientConditions;
  readonly #outcome = withResolvers<RunResult>();
  /** What the handler threw: what is written then is made of it by exception filters, or by interceptors around. */
  #thrown: { readonly error: unknown } | undefined;
  /** Sends the failure that was written, or what is better. */
  #held: ((stale?: ReadyResponse) => void) | undefined;
  #isSettled = false;

  /** @param report what `Cache-Status` says of a response that is stored */
  constructor(
    private readonly exchange: Exchange,
    private readonly route: Route,
    private readonly report: Report,
    private readonly now: () => number,
    private readonly replaced?: Replaced,
  ) {
    this.#recording = new Recording(exchange, route, now);
    this.#conditions = new ClientConditions(exchange, replaced?.stale.field);
    this.#tap = new ResponseTap(exchange.raw, this);
  }

  /**
   * @returns as soon as it is known what becomes of the response
   * @throws what the handler threw, if it was answered with a status from 500 on
   */
  start(next: CallHandler, subscriber: Subscriber<unknown>): Promise<Finished> {
    let over = false;
    const finished = this.#outcome.promise.then((value) => ({
      value,
      tags: isUncacheable(value) ? [] : this.#recording.tags.all(),
      status: this.exchange.raw.statusCode,
    }));
    if (this.exchange.over) {
      this.#giveUp('aborted', 'retry');
      return finished;
    }
    const running = next.handle().subscribe({
      next: (value: unknown) => {
        this.#watchStream(value);
        this.#recording.tags.result = value;
        this.#recording.fields.tellAround(() => subscriber.next(value));
      },
      error: (error: unknown) => {
        over = true;
        this.#failed(error, subscriber);
      },
      complete: () => {
        over = true;
        this.#recording.fields.tellAround(() => subscriber.complete());
      },
    });
    subscriber.add(() => {
      running.unsubscribe();
      // The client is gone, and Nest wants no answer for it.
      if (!over) this.#giveUp('aborted', 'retry');
    });
    // Whoever writes for himself may have returned long before, and writes to nobody now, or not at all.
    this.exchange.raw.once('close', () => this.#giveUp('aborted', 'retry'));
    return finished;
  }

  /**
   * Says what there is in place of a failure. One that is held back is sent, or that is; one that comes later is not held back.
   * To be called for each run, or its client waits for ever.
   */
  settle(stale?: ReadyResponse): void {
    this.#isSettled = true;
    const held = this.#held;
    this.#held = undefined;
    held?.(stale);
  }

  begins(): boolean {
    const verdict = this.#judge();
    this.#conditions.restore();
    this.#announce(verdict);
    if (verdict !== undefined) this.#conclude(verdict);
    return verdict === undefined;
  }

  piece(bytes: Buffer): boolean {
    const fits = this.#recording.piece(bytes);
    if (!fits) this.#outcome.resolve(TOO_LARGE);
    return fits;
  }

  ended(): void {
    this.#outcome.resolve(this.#recording.whole());
  }

  whole(body: Buffer, done: (() => void) | undefined): void {
    const { exchange } = this;
    if (this.#sendReplaced(done)) return;
    const verdict = this.#judge(body);
    this.#conditions.restore();
    if (verdict === undefined) {
      this.#send(this.#recording.stored(body, false), done);
      return;
    }
    const send = (): void => {
      this.#announce(verdict);
      sendUnstored(exchange, body, done);
    };
    if (this.#holdsBack(send, done)) return;
    send();
    this.#conclude(verdict);
  }

  /** What others have made of an error is kept only where it says that there is nothing. */
  #judge(body?: Buffer): Uncacheable | undefined {
    const { exchange, route } = this;
    const { statusCode } = exchange.raw;
    const isAnswer = route.policy.byOrigin ? statusCode >= 400 : isKeptNegative(statusCode, route.policy);
    if (this.#thrown === undefined || isAnswer) return this.#recording.head(body);
    return { uncacheable: statusCode >= 400 ? 'status' : 'failed', next: 'once' };
  }

  /** Those who wait share an error; an answer was for one of them. */
  #conclude(verdict: Uncacheable): void {
    if (this.#thrown !== undefined && this.exchange.raw.statusCode >= 500) {
      this.#outcome.reject(this.#thrown.error);
    } else this.#outcome.resolve(verdict);
  }

  /** A failure waits until it is known whether there is something stale that is better. */
  #holdsBack(send: () => void, done: (() => void) | undefined): boolean {
    const { policy } = this.route;
    if (this.#isSettled || policy.byOrigin || policy.staleIfError === 0) return false;
    if (!isFailure(this.exchange)) return false;
    // Handlers may go on after they have answered, and throw.
    const release = passForEnded(this.exchange.raw);
    this.#held = (stale) => {
      release();
      if (stale === undefined) send();
      else this.#sendStale(stale, done);
    };
    this.#outcome.reject(this.#thrown ? this.#thrown.error : new FailedAnswer(this.exchange.raw.statusCode));
    return true;
  }

  /** Sends what was stored before, where the handler says that it has not changed, or has failed. */
  #sendReplaced(done: (() => void) | undefined): boolean {
    const { replaced } = this;
    if (replaced === undefined) return false;
    const { stale, mayServe } = replaced;
    const validated = this.#recording.validated(stale);
    if (validated !== undefined) {
      this.#conditions.restore();
      this.#send(validated, done);
      return true;
    }
    if (!mayServe || !isFailure(this.exchange)) return false;
    this.#conditions.restore();
    this.#sendStale(stale, done);
    this.#outcome.resolve({ uncacheable: 'status', next: 'once' });
    return true;
  }

  #sendStale(stale: ReadyResponse, done: (() => void) | undefined): void {
    this.#recording.fields.takeBack();
    sendInPlaceOfFailure(this.exchange, this.route, stale, this.now(), done);
  }

  #send(stored: StoredResponse, done: (() => void) | undefined): void {
    try {
      sendStored(this.exchange, this.route, readyResponse(stored)!, this.report, undefined, done);
    } finally {
      this.#outcome.resolve(this.#recording.late() ?? stored);
    }
  }

  #failed(error: unknown, subscriber: Subscriber<unknown>): void {
    this.#conditions.restore();
    if (this.#tap.begun) this.#giveUp('failed', 'once');
    else this.#thrown = { error };
    subscriber.error(error);
  }

  #giveUp(uncacheable: string, next: Uncacheable['next']): void {
    this.#tap.off();
    this.#outcome.resolve({ uncacheable, next });
  }

  /** Nest ends the response of a stream that fails as if it were complete. */
  #watchStream(value: unknown): void {
    const stream =
      value instanceof StreamableFile ? value.getStream() : (value as Partial<NodeJS.ReadableStream> | null);
    if (typeof stream?.once === 'function') stream.once('error', () => this.#giveUp('failed', 'once'));
  }

  /** Of a response that is not stored, clients are told nothing that the handler has not said. */
  #announce(verdict: Uncacheable | undefined): void {
    const { exchange, route, report } = this;
    if (verdict === undefined) {
      announce(exchange, route, report);
      return;
    }
    const why = { ...report, stored: false, detail: verdict.uncacheable };
    if (verdict === WITHOUT_BODY) announce(exchange, route, why);
    else tellStatus(exchange, why);
  }
}
