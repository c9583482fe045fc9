import { Controller, Get } from '@nestjs/common';
import { EventPattern, MessagePattern, RpcException } from '@nestjs/microservices';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EMPTY, from, lastValueFrom, Observable, of, range, throwError, concat } from 'rxjs';

import { CacheResponse } from '../../lib/http/index.js';
import type { RpcRequest } from '../../lib/rpc/rpc-request.js';
import { Deferred, failure } from '../support/deferred.js';
import { until } from '../support/until.js';
import { closeRpcApps, rpcApp, SILENT } from './rpc-apps.js';

/** What the handlers have been asked, and what holds them up. */
let calls: unknown[] = [];
let gate: Deferred<void> | undefined;
let version = 1;
beforeEach(() => {
  calls = [];
  gate = undefined;
  version = 1;
});
afterEach(closeRpcApps);

class Person {
  constructor(readonly name: string) {}
}

@Controller()
class Sums {
  @MessagePattern({ cmd: 'sum' })
  @CacheResponse({
    ttl: 60,
    tags: (request, sum) => [`sum-${String(sum)}`, `of-${String((request as unknown as RpcRequest).data)}`],
  })
  async sum(numbers: number[]) {
    calls.push(numbers);
    await gate?.promise;
    return numbers.reduce((one, other) => one + other, 0);
  }

  @MessagePattern('list')
  @CacheResponse({ ttl: 60 })
  list(values: unknown[]) {
    calls.push(values);
    return from(values);
  }

  @MessagePattern('odd')
  @CacheResponse({ ttl: 60 })
  odd(kind: string) {
    calls.push(kind);
    const replies: Record<string, Observable<unknown>> = {
      null: of(null),
      empty: EMPTY,
      list: of([1, 2]),
      packed: of({ emissions: [1, 2] }),
      two: of({ emissions: [] }, 2),
    };
    return replies[kind];
  }

  @MessagePattern('nothing')
  @CacheResponse({ ttl: 60 })
  nothing(data: unknown) {
    calls.push(data);
  }

  @MessagePattern('broken')
  @CacheResponse({ ttl: 60 })
  broken(after: number) {
    calls.push(after);
    const error = throwError(() => new RpcException(`no ${calls.length}`));
    return after === 0 ? error : concat(range(1, after), error);
  }

  @MessagePattern('person')
  @CacheResponse({ ttl: 60 })
  async person(name: string) {
    calls.push(name);
    await gate?.promise;
    return { person: new Person(name), at: calls.length };
  }

  @MessagePattern(['first', 'second'])
  @CacheResponse({ ttl: 60 })
  which() {
    return calls.push('which');
  }

  @MessagePattern('uncached')
  uncached() {
    return calls.push('uncached');
  }

  @MessagePattern('stale')
  @CacheResponse({ ttl: '1ms', staleWhileRevalidate: 60 })
  async stale() {
    calls.push('stale');
    await gate?.promise;
    return version;
  }

  @EventPattern('happened')
  @CacheResponse({ ttl: 60 })
  happened(data: unknown) {
    calls.push(data);
  }

  @Get('sum')
  http() {
    calls.push('http');
    return { calls: calls.length };
  }
}

describe.each(['pure', 'hybrid'] as const)('replies of a %s microservice', (kind) => {
  const start = () => rpcApp(kind, { controllers: [Sums] });

  it('are kept by their payload', async () => {
    const { ask } = await start();
    for (const numbers of [
      [1, 2],
      [2, 1, 5],
      [1, 2],
      [2, 1, 5],
      ['1', 2],
    ]) {
      const sum = (numbers as number[]).reduce((one, other) => one + other, 0);
      expect(await ask({ cmd: 'sum' }, numbers)).toEqual([sum]);
    }
    expect(calls).toEqual([
      [1, 2],
      [2, 1, 5],
      ['1', 2],
    ]);
  });

  it('are made once for all who wait for them', async () => {
    const { ask } = await start();
    gate = new Deferred();
    const asked = Promise.all(Array.from({ length: 50 }, () => ask({ cmd: 'sum' }, [1, 2])));
    await until(() => calls.length > 0);
    gate.resolve();
    expect(new Set((await asked).flat())).toEqual(new Set([3]));
    expect(calls).toHaveLength(1);
  });

  it('are made again once they are invalidated', async () => {
    const { ask, cache } = await start();
    await ask({ cmd: 'sum' }, [1, 2]);
    await cache.invalidateTags(['sum-4']);
    await ask({ cmd: 'sum' }, [1, 2]);
    expect(calls).toHaveLength(1);
    await cache.invalidateTags(['sum-3']);
    await ask({ cmd: 'sum' }, [1, 2]);
    expect(calls).toHaveLength(2);
    await cache.invalidateTags(['of-1,2']);
    await ask({ cmd: 'sum' }, [1, 2]);
    expect(calls).toHaveLength(3);
  });

  it('are told apart by the pattern they were asked by', async () => {
    const { ask } = await start();
    expect([await ask('first', 1), await ask('second', 1)]).toEqual([[1], [2]]);
    expect([await ask('first', 1), await ask('second', 1)]).toEqual([[1], [2]]);
  });

  it('leave handlers alone that nobody wants cached, and events', async () => {
    const { ask, client } = await start();
    expect([await ask('uncached', 1), await ask('uncached', 1)]).toEqual([[1], [2]]);
    for (let i = 0; i < 2; i++) await lastValueFrom(client.emit('happened', 'x'), { defaultValue: 0 });
    await until(() => calls.length === 4);
    expect(calls.slice(2)).toEqual(['x', 'x']);
    expect(SILENT.warnings).toEqual([expect.stringContaining('Sums.happened are not cached')]);
  });
});

it('HTTP beside it is served as ever, with the interceptor for both', async () => {
  const { ask, url } = await rpcApp('hybrid', { controllers: [Sums] });
  await ask({ cmd: 'sum' }, [1, 2]);
  const bodies = [await (await fetch(`${url}/sum`)).json(), await (await fetch(`${url}/sum`)).json()];
  expect(bodies).toEqual([{ calls: 2 }, { calls: 3 }]);
  expect(await ask({ cmd: 'sum' }, [1, 2])).toEqual([3]);
  expect(calls).toEqual([[1, 2], 'http', 'http']);
});

describe('a hit equals the miss', () => {
  it.each(['null', 'empty', 'list', 'packed', 'two'])('%s', async (reply) => {
    const { ask } = await rpcApp('pure', { controllers: [Sums] });
    const miss = await ask('odd', reply);
    expect(await ask('odd', reply)).toEqual(miss);
    expect(miss).toHaveLength({ empty: 0, two: 2 }[reply] ?? 1);
    expect(calls).toHaveLength(1);
  });

  it('several emissions', async () => {
    const { ask } = await rpcApp('pure', { controllers: [Sums] });
    for (let i = 0; i < 2; i++) expect(await ask('list', [1, null, [2], 1])).toEqual([1, null, [2], 1]);
    expect(calls).toHaveLength(1);
  });

  it('but nothing is nothing to keep', async () => {
    const { ask, cache } = await rpcApp('pure', { controllers: [Sums] });
    const miss = await ask('nothing', 1);
    expect(await ask('nothing', 1)).toEqual(miss);
    expect(calls).toHaveLength(2);
    expect(cache.stats().memory?.entries).toBe(0);
  });
});

describe('what cannot be kept goes through', () => {
  it.each([0, 2])('an error after %i emissions', async (after) => {
    const { client } = await rpcApp('pure', { controllers: [Sums] });
    for (const call of [1, 2]) {
      const seen: unknown[] = [];
      const asked = new Promise((resolve, reject) =>
        client
          .send('broken', after)
          .subscribe({ next: (value) => seen.push(value), error: reject, complete: () => resolve(seen) }),
      );
      expect(await failure(asked)).toMatchObject({ message: `no ${call}` });
      expect(seen).toEqual([1, 2].slice(0, after));
    }
  });

  it('an instance of a class, to each who asked, and it is said once', async () => {
    const { ask } = await rpcApp('pure', { controllers: [Sums] });
    gate = new Deferred();
    const asked = Promise.all([ask('person', 'Ann'), ask('person', 'Ann')]);
    await until(() => calls.length > 0);
    gate.resolve();
    const reply = [{ person: { name: 'Ann' }, at: expect.any(Number) }];
    expect(await asked).toEqual([reply, reply]);
    await ask('person', 'Ann');
    expect(calls).toHaveLength(3);
    expect(SILENT.warnings).toEqual([expect.stringMatching(/Sums\.person are not cached: .*of Person/)]);
  });
});

it('staleWhileRevalidate answers at once, and runs the handler behind it', async () => {
  const { ask, cache } = await rpcApp('pure', { controllers: [Sums] });
  expect(await ask('stale', 1)).toEqual([1]);
  version = 2;
  gate = new Deferred();
  // It lives for a millisecond.
  await until(async () => (await ask('stale', 1)) && calls.length === 2);
  expect(await ask('stale', 1)).toEqual([1]);
  gate.resolve();
  await until(async () => (await ask('stale', 1))[0] === 2);
  expect(cache.stats().loads).toBeGreaterThan(1);
});
