import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import type { FaultProxy } from './fault-proxy.js';
import { startRedis, until, type RedisServer } from './redis-server.js';
import { ProxyBench } from './tcp-peers.js';

/** More than twice the bytes that the system takes in for a socket that is not read. */
const MANY = 30_000_000;

let bench: ProxyBench;
let proxy: FaultProxy;

beforeEach(async () => {
  bench = new ProxyBench();
  await bench.server.start();
  proxy = await bench.proxy();
});
afterEach(() => bench.stop());

describe('blackHole', () => {
  it('swallows everything on connections old and new, which stay open', async () => {
    const { client, far } = await bench.through(proxy);
    proxy.blackHole();
    const late = await bench.dial(proxy);
    for (const peer of [client, far, late]) peer.socket.write('lost');
    await bench.amplePassingTime();
    expect(client).toMatchObject({ received: '>a', untold: true });
    expect(far).toMatchObject({ received: 'a', untold: true });
    expect(late).toMatchObject({ received: '', untold: true });
    expect(proxy.connections).toBe(2);
  });

  it('swallows what is on its way late', async () => {
    const { client, far } = await bench.through(proxy);
    const other = await bench.proxy();
    const witness = await bench.through(other);
    for (const slow of [proxy, other]) slow.delay(300);
    client.socket.write('lost');
    await bench.amplePassingTime();
    proxy.blackHole();
    witness.client.socket.write('b');
    await witness.far.has('ab');
    expect(far.received).toBe('a');
  });

  it('takes in what the other side had no room for', async () => {
    const { client, far } = await bench.through(proxy);
    far.socket.pause();
    client.socket.write('x'.repeat(MANY));
    await bench.amplePassingTime();
    expect(client.socket.writableLength).toBeGreaterThan(0);
    proxy.blackHole();
    await until(() => client.socket.writableLength === 0, { what: 'all bytes being sent' });
    expect(client).toMatchObject({ received: '>a', untold: true });
  });

  it('does not let go of it when there is room again', async () => {
    const { client, far } = await bench.through(proxy);
    far.socket.pause();
    proxy.delay(1_000_000);
    client.socket.write('x'.repeat(MANY));
    await until(() => client.socket.writableLength === 0, { what: 'all bytes being on their way' });
    await proxy.heal();
    proxy.blackHole();
    far.socket.resume();
    for (let before = -1; before < far.received.length; await bench.amplePassingTime()) {
      before = far.received.length;
    }
    expect(far.received.length).toBeLessThan(MANY / 2);
  });

  it('tells neither side that the other has left', async () => {
    const first = await bench.through(proxy);
    const second = await bench.through(proxy);
    proxy.blackHole();
    first.far.socket.end();
    second.client.socket.end();
    await bench.amplePassingTime();
    for (const { client, far } of [first, second]) expect([client.untold, far.untold]).toEqual([true, true]);
    expect(proxy.connections).toBe(1);
  });

  it('ends with heal, which resets the connections that lived through it', async () => {
    const { client, far } = await bench.through(proxy);
    proxy.blackHole();
    const late = await bench.dial(proxy);
    await until(() => proxy.connections === 2);
    client.socket.write('lost');
    await bench.amplePassingTime();
    await proxy.heal();
    await until(() => client.closed && far.closed && late.closed);
    expect([client.error, far.error, late.error]).toEqual(Array(3).fill('ECONNRESET'));
    expect(far.received).toBe('a');
    await (await bench.through(proxy)).client.echo('b');
  });
});

describe('halfOpen', () => {
  it('closes the server side and swallows what the client sends, for ever', async () => {
    const { client, far } = await bench.through(proxy);
    proxy.halfOpen();
    await until(() => far.closed, { what: 'the server losing its client' });
    client.socket.write('lost');
    await bench.through(proxy);
    await proxy.heal();
    client.socket.write('lost');
    await bench.amplePassingTime();
    expect(client).toMatchObject({ received: '>a', untold: true });
    expect(bench.server.peers.filter(({ received }) => received.includes('lost'))).toEqual([]);
  });

  it('lasts through a black hole', async () => {
    const { client } = await bench.through(proxy);
    proxy.halfOpen();
    proxy.blackHole();
    await proxy.heal();
    await bench.amplePassingTime();
    expect(client.untold).toBe(true);
  });

  it('does not answer the end of a client, and ends with cut', async () => {
    const { client } = await bench.through(proxy);
    proxy.halfOpen();
    client.socket.end();
    await bench.amplePassingTime();
    expect(client.untold).toBe(true);
    proxy.cut();
    await until(() => client.closed);
    expect(client.error).toBe('ECONNRESET');
  });
});

describe('between ioredis and Redis', () => {
  let redis: RedisServer;
  let client: Redis;
  const errors: (string | undefined)[] = [];

  beforeEach(async () => {
    redis = await startRedis();
    proxy.setTarget(redis);
    const { host, port } = proxy;
    client = new Redis({ host, port, commandTimeout: 200, disconnectTimeout: 50, retryStrategy: () => 10 });
    errors.length = 0;
    client.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code));
    await client.set('k', 'v');
  });
  afterEach(async () => {
    client.disconnect();
    await redis.stop();
  });

  async function expectRecovery(): Promise<void> {
    const value = await until(() => client.get('k').catch(() => undefined), {
      what: 'the client coming back',
    });
    expect(value).toBe('v');
  }

  it('makes the client connect again after cut', async () => {
    const id = await client.client('ID');
    proxy.cut();
    await until(() => errors.includes('ECONNRESET'));
    await expectRecovery();
    expect(await client.client('ID')).toBeGreaterThan(id);
  });

  it('makes the client try until heal after refuse', async () => {
    proxy.refuse();
    await until(() => errors.filter((code) => code === 'ECONNREFUSED').length > 1);
    await proxy.heal();
    await expectRecovery();
  });

  it('leaves only time limits to notice a black hole', async () => {
    proxy.blackHole();
    await expect(client.get('k')).rejects.toThrow('timed out');
    expect(client.status).toBe('ready');
    await proxy.heal();
    await expectRecovery();
    expect(errors).toContain('ECONNRESET');
  });

  it('leaves the client with a server that has forgotten it after halfOpen', async () => {
    proxy.halfOpen();
    // The one left is the connection that asks.
    await until(async () => /connected_clients:1\r/.test(await redis.command('INFO', 'clients')));
    await proxy.heal();
    await expect(client.get('k')).rejects.toThrow('timed out');
    expect(client.status).toBe('ready');
    expect(errors).toEqual([]);
    client.disconnect(true);
    await expectRecovery();
  });
});
