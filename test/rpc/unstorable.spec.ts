// Replies that cannot be kept: whoever asked is answered, and nobody waits for what comes to nothing.
import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EMPTY, type Observable, of, Subject, throwError } from 'rxjs';

import { LeftAlone } from '../../lib/nest/left-alone.js';
import type { ReplyPolicy } from '../../lib/rpc/reply-policy.js';
import { closeBenches } from '../support/caches.js';
import { breathe } from '../support/deferred.js';
import { ManualClock } from '../support/manual-clock.js';
import { Said } from '../http/apps.js';
import { Replies } from './replies.js';

let replies: Replies;
let said: Said;
beforeEach(async () => {
  replies = await Replies.start();
  said = new Said();
  Logger.overrideLogger(said);
});
afterEach(closeBenches);

class Person {
  constructor(readonly name: string) {}
}

const many = (count: number) => () => Array.from({ length: count }, (_, i) => `tag-${i}`);
const throwing = () => {
  throw new Error('no id');
};

/** What is replied, how its tags are told, and what is said of it. */
const UNSTORABLE: [string, unknown, ReplyPolicy['tagsOf'], string | undefined][] = [
  ['nothing', undefined, undefined, undefined],
  ['instances of classes', new Person('Ann'), undefined, 'they hold instances of Person'],
  ['what has no faithful form', { run: () => 1 }, undefined, ''],
  ['tags that throw', 1, throwing, '`tags` has failed: no id'],
  ['too many tags', 1, many(129), '`tags` has failed: 129 tags are too many for one entry: at most 128'],
  ['bad tags', 1, () => [''], '`tags` has failed: a tag must be a well-formed string'],
  ['no list of tags', 1, () => 'tag' as never, '`tags` has failed: tags must be an array'],
];

describe.each(UNSTORABLE)('a reply that cannot be kept: %s', (_, value, tagsOf, reason) => {
  const policy: Partial<ReplyPolicy> = tagsOf === undefined ? {} : { tagsOf };
  const ask = (source: Observable<unknown>, data: unknown = 1) =>
    replies.read({ data }, () => source, policy);

  it('is what each gets who asks, and it is said once', async () => {
    for (let i = 0; i < 2; i++) expect((await ask(of(value))).seen).toEqual([value, 'end']);
    expect((await ask(of(value), 2)).seen).toEqual([value, 'end']);
    expect(replies.bench.cache.stats().memory?.entries).toBe(0);
    expect(said.warnings).toEqual(
      reason === undefined
        ? []
        : [expect.stringContaining(`replies of Handlers.one are not cached: ${reason}`)],
    );
  });

  it('is not waited for by others, for ten seconds', async () => {
    const slow = new Subject<unknown>();
    const first = await ask(slow);
    // Whoever comes before that is known waits.
    const waiting = await ask(of('own'));
    expect(waiting.seen).toEqual([]);
    slow.next(value);
    slow.complete();
    await breathe();
    expect([first.seen, waiting.seen]).toEqual([
      [value, 'end'],
      ['own', 'end'],
    ]);
    await ask(new Subject());
    expect((await ask(of('soon'))).seen).toEqual(['soon', 'end']);
    replies.bench.clock.advance(9_999);
    expect((await ask(of('later'))).seen).toEqual(['later', 'end']);
    replies.bench.clock.advance(1);
    const shared = new Subject<unknown>();
    await ask(shared);
    const joined = await ask(EMPTY);
    expect(joined.seen).toEqual([]);
  });

  it('does not keep other requests from being cached', async () => {
    await ask(of(value));
    const other = (source: Observable<unknown>) => replies.read({ data: 2 }, () => source);
    expect([(await other(of('a'))).seen, (await other(of('b'))).seen]).toEqual([
      ['a', 'end'],
      ['a', 'end'],
    ]);
  });
});

it('128 tags are not too many', async () => {
  for (const reply of [1, 2])
    expect((await replies.read({}, () => of(reply), { tagsOf: many(128) })).seen).toEqual([1, 'end']);
  expect(said.warnings).toEqual([]);
});

it('an error says nothing of what comes next', async () => {
  await replies.read({}, () => throwError(() => new Error('broken')));
  for (const reply of [1, 2]) expect((await replies.read({}, () => of(reply))).seen).toEqual([1, 'end']);
});

it('no more than 10,000 are remembered, the latest', () => {
  const alone = new LeftAlone(10_000, new ManualClock());
  for (let i = 0; i <= 10_000; i++) alone.add(`key-${i}`);
  expect([alone.has('key-0'), alone.has('key-1'), alone.has('key-10000')]).toEqual([false, true, true]);
});
