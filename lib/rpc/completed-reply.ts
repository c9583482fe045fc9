import { concat, defer, ignoreElements, Observable, tap } from 'rxjs';

import type { Clock } from '../primitives/clock.js';
import { HandlerRun } from './handler-run.js';

/** @param last the last emission of a reply, `undefined` if there is none */
type Completed = (last: unknown) => Promise<void>;

/**
 * The reply of a handler, with something that is done once when it has completed without an error: before its reader has any of it,
 * or, if it is a stream, before he hears of its end.
 * @param done must not fail
 */
export function completedReply(
  source: Observable<unknown>,
  time: Pick<Clock, 'after'>,
  done: Completed,
): Observable<unknown> {
  return new Observable((reader) => {
    const run = new HandlerRun(source, time);
    void settled(run, done).then((reply) => reply.subscribe(reader));
    return () => run.abandon();
  });
}

async function settled(run: HandlerRun, done: Completed): Promise<Observable<unknown>> {
  if ((await run.whole) && run.failure === undefined) {
    await done(run.emissions.at(-1));
    return run.reply;
  }
  let last: unknown;
  const noted = run.reply.pipe(tap((value) => (last = value)));
  return concat(noted, defer(() => done(last)).pipe(ignoreElements()));
}
