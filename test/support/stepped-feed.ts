import type { ClockReading, Feed, Poll, Snapshot } from '../../lib/coherence/feed.js';
import { CacheStoreError } from '../../lib/primitives/errors.js';
import { Deferred } from './deferred.js';
import type { SteppedRedis } from './stepped-redis.js';

/** The most messages of one answer. */
const BATCH = 500;
/** After so many milliseconds beyond its patience a question is given up. */
const TIMEOUT = 2_000;
const NO_ANSWER = new CacheStoreError('no answer');

/** What an instance waits for. */
interface Question {
  readonly after: number;
  /** As it was when the question came in. */
  readonly reading: ClockReading | undefined;
  readonly answer: Deferred<Poll>;
}

/**
 * How one instance hears of the others: a connection of its own, whose answers arrive when the test says so, before or after
 * the replies to commands.
 */
export class SteppedFeed implements Feed {
  readonly ready = true;
  /** How often it was asked for messages. */
  polls = 0;
  #free = true;
  #failure: Error | undefined;
  readonly #waiting = new Set<Question>();
  readonly #answered: { readonly question: Question; readonly poll: Poll }[] = [];

  /** @param join goes the way of commands */
  constructor(
    private readonly redis: SteppedRedis,
    readonly join: (seen: ClockReading | undefined, lost: boolean) => Promise<Snapshot>,
  ) {
    redis.onMessage(() => {
      for (const question of this.#waiting) if (this.#hasNews(question)) this.#answer(question);
    });
  }

  poll(after: number, patience: number): Promise<Poll> {
    this.polls++;
    const failure = this.#failure ?? this.redis.failure;
    if (failure !== undefined) return Promise.reject(failure);
    const { books, clock } = this.redis;
    const question: Question = { after, reading: books.reading, answer: new Deferred() };
    this.#waiting.add(question);
    if (this.#hasNews(question)) this.#answer(question);
    else void clock.wait(patience).then(() => this.#waiting.has(question) && this.#answer(question));
    void clock.wait(patience + TIMEOUT).then(() => this.#lose([question], NO_ANSWER));
    return question.answer.promise;
  }

  /** From now on answers wait for {@link deliver}. */
  hold(): void {
    this.#free = false;
  }

  /** Lets the next answers arrive. @returns how many there were */
  deliver(most = Infinity): number {
    let done = 0;
    for (; done < most && this.#answered.length > 0; done++) {
      const { question, poll } = this.#answered.shift()!;
      question.answer.resolve(poll);
    }
    return done;
  }

  /** How many answers are on their way. */
  get underWay(): number {
    return this.#answered.length;
  }

  /** Whether it has been told everything, and waits for more. */
  get isListening(): boolean {
    return this.#waiting.size > 0 && this.#answered.length === 0;
  }

  release(): void {
    this.#free = true;
    this.deliver();
  }

  /** Breaks the connection; questions fail until it is mended by `undefined`. */
  fail(failure: Error | undefined): void {
    this.#failure = failure;
    if (failure === undefined) return;
    this.#lose([...this.#waiting, ...this.#answered.map(({ question }) => question)], failure);
  }

  #lose(lost: readonly Question[], failure: Error): void {
    for (const question of lost) {
      this.#waiting.delete(question);
      const place = this.#answered.findIndex((answered) => answered.question === question);
      if (place !== -1) this.#answered.splice(place, 1);
      question.answer.reject(failure);
    }
  }

  #hasNews({ after }: Question): boolean {
    return this.redis.books.after(after).length > 0;
  }

  #answer(question: Question): void {
    this.#waiting.delete(question);
    const messages = this.redis.books.after(question.after).slice(0, BATCH);
    const poll = { reading: question.reading, messages, more: messages.length === BATCH };
    this.#answered.push({ question, poll });
    if (this.#free) this.deliver();
  }
}
