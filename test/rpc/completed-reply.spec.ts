import { beforeEach, describe, expect, it } from '@jest/globals';
import { EMPTY, type Observable, of, Subject } from 'rxjs';

import { completedReply } from '../../lib/rpc/completed-reply.js';
import { breathe, Deferred } from '../support/deferred.js';
import { ManualClock } from '../support/manual-clock.js';

/** What has happened, in its order. */
let seen: unknown[];
let gate: Deferred<void>;
let clock: ManualClock;
beforeEach(() => {
  seen = [];
  gate = new Deferred();
  clock = new ManualClock();
});

async function read(source: Observable<unknown>) {
  const done = async (last: unknown): Promise<void> => {
    seen.push({ last });
    await gate.promise;
  };
  const subscription = completedReply(source, clock, done).subscribe({
    next: (value) => seen.push(value),
    error: (error: Error) => seen.push(error.message),
    complete: () => seen.push('end'),
  });
  await breathe();
  return subscription;
}

async function open(): Promise<void> {
  gate.resolve();
  await breathe();
}

describe('a reply that completes', () => {
  it.each([
    ['nothing', EMPTY, []],
    ['one value', of(1), [1]],
    ['several', of(1, 2, 3), [1, 2, 3]],
  ])('is read once what it has changed is dealt with: %s', async (_, source, values) => {
    await read(source);
    expect(seen).toEqual([{ last: values.at(-1) }]);
    await open();
    expect(seen).toEqual([{ last: values.at(-1) }, ...values, 'end']);
  });

  it('but not with an error, after however many values', async () => {
    const source = new Subject<unknown>();
    await read(source);
    source.next(1);
    source.error(new Error('broken'));
    await breathe();
    expect(seen).toEqual([1, 'broken']);
  });

  it('is dealt with though its reader leaves meanwhile', async () => {
    const source = new Subject<unknown>();
    const subscription = await read(source);
    source.next(1);
    source.complete();
    subscription.unsubscribe();
    await breathe();
    expect(seen).toEqual([{ last: 1 }]);
    await open();
    expect(seen).toEqual([{ last: 1 }]);
  });
});

describe('a stream', () => {
  it('is read as it comes, and ends once what it has changed is dealt with', async () => {
    const source = new Subject<unknown>();
    await read(source);
    source.next(1);
    clock.advance(1_000);
    await breathe();
    source.next(2);
    expect(seen).toEqual([1, 2]);
    source.complete();
    await breathe();
    expect(seen).toEqual([1, 2, { last: 2 }]);
    await open();
    expect(seen).toEqual([1, 2, { last: 2 }, 'end']);
  });

  it('that fails has changed nothing', async () => {
    const source = new Subject<unknown>();
    await read(source);
    source.next(1);
    clock.advance(1_000);
    await breathe();
    source.error(new Error('broken'));
    await breathe();
    expect(seen).toEqual([1, 'broken']);
  });

  it('stops when its reader leaves', async () => {
    const source = new Subject<unknown>();
    const subscription = await read(source);
    expect(source.observed).toBe(true);
    subscription.unsubscribe();
    expect(source.observed).toBe(false);
  });
});
