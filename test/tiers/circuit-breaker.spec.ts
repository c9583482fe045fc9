import { describe, expect, it } from '@jest/globals';

import {
  CircuitBreaker,
  FIRST_PAUSE,
  LEAST_FAILURES,
  LONGEST_PAUSE,
  LONGEST_STREAK,
  WINDOW,
  WINDOW_CALLS,
} from '../../lib/tiers/circuit-breaker.js';
import { breathe, Deferred } from '../support/deferred.js';
import { ManualClock } from '../support/manual-clock.js';

class Bench {
  readonly clock = new ManualClock();
  readonly changes: string[] = [];
  readonly probes: Deferred<void>[] = [];
  readonly breaker = new CircuitBreaker(this.clock, this.clock, {
    probe: () => {
      this.probes.push(new Deferred());
      return this.probes.at(-1)!.promise;
    },
    changed: (state, reason) => this.changes.push([state, reason].filter(Boolean).join(' ')),
  });

  succeed(times: number): void {
    for (let i = 0; i < times; i++) this.breaker.succeeded();
  }

  fail(times: number): void {
    for (let i = 0; i < times; i++) this.breaker.failed('silent');
  }

  async advance(ms: number): Promise<void> {
    this.clock.advance(ms);
    await breathe();
  }

  async end(probe: Deferred<void>, error?: Error): Promise<void> {
    if (error === undefined) probe.resolve();
    else probe.reject(error);
    await breathe();
  }
}

const NO = new Error('still down');

describe('a circuit breaker opens', () => {
  it('at half of the calls, and not below', () => {
    const bench = new Bench();
    bench.succeed(LEAST_FAILURES + 1);
    bench.fail(LEAST_FAILURES);
    expect(bench.breaker.admits).toBe(true);
    bench.fail(1);
    expect(bench.breaker.state).toBe('open');
    expect(bench.changes).toStrictEqual(['open silent']);
  });

  it('not for fewer failures, whatever part of the calls they are', async () => {
    const bench = new Bench();
    bench.fail(LEAST_FAILURES - 1);
    await bench.advance(LONGEST_STREAK);
    expect(bench.breaker.state).toBe('closed');
    bench.fail(1);
    expect(bench.breaker.state).toBe('open');
  });

  it('whatever was before the window', async () => {
    const bench = new Bench();
    bench.succeed(50);
    bench.fail(LEAST_FAILURES - 1);
    await bench.advance(WINDOW + 1);
    bench.succeed(1);
    bench.fail(LEAST_FAILURES - 1);
    expect(bench.breaker.state).toBe('closed');
    bench.fail(1);
    expect(bench.breaker.state).toBe('open');
  });

  it('by the latest calls, however many there were', () => {
    const bench = new Bench();
    bench.succeed(100_000);
    bench.fail(WINDOW_CALLS / 2 - 1);
    expect(bench.breaker.state).toBe('closed');
    bench.fail(1);
    expect(bench.breaker.state).toBe('open');
  });

  it('when nothing has succeeded for a while, though many calls had before', async () => {
    const bench = new Bench();
    bench.succeed(WINDOW_CALLS);
    bench.fail(LEAST_FAILURES);
    expect(bench.breaker.state).toBe('closed');
    bench.succeed(1);
    await bench.advance(LONGEST_STREAK);
    bench.fail(LEAST_FAILURES);
    expect(bench.breaker.state).toBe('closed');
    await bench.advance(LONGEST_STREAK);
    bench.fail(1);
    expect(bench.breaker.state).toBe('open');
  });
});

describe('an open circuit breaker', () => {
  const opened = (): Bench => {
    const bench = new Bench();
    bench.fail(LEAST_FAILURES);
    return bench;
  };

  it('probes by itself, one probe at a time, and closes when one succeeds', async () => {
    const bench = opened();
    await bench.advance(FIRST_PAUSE - 1);
    expect(bench.probes).toHaveLength(0);
    await bench.advance(1);
    expect(bench.breaker.state).toBe('half-open');
    expect(bench.breaker.admits).toBe(false);
    await bench.advance(60_000);
    expect(bench.probes).toHaveLength(1);
    await bench.end(bench.probes[0]!, NO);
    expect(bench.breaker.state).toBe('open');
    await bench.advance(2 * FIRST_PAUSE);
    await bench.end(bench.probes[1]!);
    expect(bench.breaker.state).toBe('closed');
    expect(bench.changes).toStrictEqual(['open silent', 'half-open', 'open', 'half-open', 'closed']);
  });

  it('never pauses longer than half a second', async () => {
    const bench = opened();
    for (let probe = 0; probe < 10; probe++) {
      await bench.advance(LONGEST_PAUSE);
      expect(bench.probes).toHaveLength(probe + 1);
      await bench.end(bench.probes[probe]!, NO);
    }
  });

  it('probes at once when there is reason to', async () => {
    const bench = opened();
    bench.breaker.retry();
    await breathe();
    expect(bench.probes).toHaveLength(1);
    // Not another one beside it.
    bench.breaker.retry();
    await breathe();
    expect(bench.probes).toHaveLength(1);
  });

  it('starts to count anew when it has closed', async () => {
    const bench = opened();
    await bench.advance(FIRST_PAUSE);
    await bench.end(bench.probes[0]!);
    bench.fail(LEAST_FAILURES - 1);
    expect(bench.breaker.state).toBe('closed');
    bench.fail(1);
    expect(bench.breaker.state).toBe('open');
  });

  it('takes no notice of calls from before', async () => {
    const bench = opened();
    bench.succeed(1_000);
    bench.fail(1_000);
    expect(bench.changes).toStrictEqual(['open silent']);
  });

  it('does nothing more once it is stopped', async () => {
    const bench = opened();
    bench.breaker.stop();
    await bench.advance(60_000);
    expect(bench.probes).toHaveLength(0);
    const other = opened();
    await other.advance(FIRST_PAUSE);
    other.breaker.stop();
    await other.end(other.probes[0]!);
    await other.advance(60_000);
    expect(other.probes).toHaveLength(1);
    expect(other.breaker.state).not.toBe('closed');
  });
});
