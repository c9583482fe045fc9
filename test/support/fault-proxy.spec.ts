import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { FaultProxy } from './fault-proxy.js';
import { EchoServer, ProxyBench, type Peer } from './tcp-peers.js';
import { until } from './until.js';

let bench: ProxyBench;
let proxy: FaultProxy;

beforeEach(async () => {
  bench = new ProxyBench();
  await bench.server.start();
  proxy = await bench.proxy();
});
afterEach(() => bench.stop());

async function expectReset(...peers: Peer[]): Promise<void> {
  for (const peer of peers) {
    await until(() => peer.closed, { what: 'a connection being reset' });
    expect(peer.error).toBe('ECONNRESET');
  }
}

async function expectWorking(): Promise<void> {
  const { client } = await bench.through(proxy);
  expect(client.untold).toBe(true);
}

describe('without a fault', () => {
  it('passes bytes and the end of the stream on in both directions', async () => {
    const { client, far } = await bench.through(proxy);
    client.socket.end('b');
    await until(() => client.closed);
    expect(far).toMatchObject({ received: 'ab', ended: true, error: undefined });
    expect(client).toMatchObject({ received: '>ab', ended: true, error: undefined });
  });

  it('keeps every byte of a long stream, however late it is read', async () => {
    const text = Array.from({ length: 500_000 }, (_, index) => `${index},`).join('');
    const { client } = await bench.through(proxy);
    client.socket.pause();
    client.socket.write(text);
    await bench.amplePassingTime();
    client.socket.resume();
    await until(() => client.received.length === 2 + text.length, { what: 'all bytes arriving' });
    expect(client.received === `>a${text}`).toBe(true);
  });

  it('counts the connections that are open', async () => {
    const first = await bench.through(proxy);
    const second = await bench.through(proxy);
    expect(proxy.connections).toBe(2);
    first.client.socket.destroy();
    await until(() => proxy.connections === 1);
    second.far.socket.resetAndDestroy();
    await expectReset(second.client);
    expect(proxy.connections).toBe(0);
  });

  it('resets the client when the target is not there', async () => {
    await bench.server.stop();
    await expectReset(await bench.dial(proxy));
  });

  it('leads new connections to a new target', async () => {
    const other = await new EchoServer('other>').start();
    const { client } = await bench.through(proxy);
    proxy.setTarget(other.address);
    const late = await bench.dial(proxy);
    await late.has('other>');
    await client.echo('b');
    expect([client.untold, late.untold]).toEqual([true, true]);
    await other.stop();
  });
});

describe('throttle', () => {
  it('lets so many bytes a second through, bit by bit, and is over with heal', async () => {
    const { client, far } = await bench.through(proxy);
    proxy.throttle(1_000);
    const began = performance.now();
    client.socket.write('b'.repeat(100));
    await until(() => far.received.length > 1, { interval: 1 });
    expect(far.received.length).toBeLessThan(101);
    await far.has(`a${'b'.repeat(100)}`);
    expect(performance.now() - began).toBeGreaterThanOrEqual(95);
    client.socket.write('c'.repeat(1_000_000));
    await bench.amplePassingTime();
    await proxy.heal();
    await until(() => far.received.length === 1_000_101);
  });
});

describe('delay', () => {
  it('holds each direction up, the end of the stream too', async () => {
    const { client, far } = await bench.through(proxy);
    proxy.delay(40);
    const began = performance.now();
    client.socket.end('b');
    await far.has('ab');
    expect(performance.now() - began).toBeGreaterThanOrEqual(40);
    expect(client.received).toBe('>a');
    await until(() => client.closed);
    expect(performance.now() - began).toBeGreaterThanOrEqual(80);
    expect(client).toMatchObject({ received: '>ab', ended: true, error: undefined });
  });

  it('keeps the order, though jitter would let later chunks overtake', async () => {
    let draws = 0;
    // Each chunk is held up less than the one before.
    const jittery = await bench.proxy({ random: () => 1 / ++draws });
    const { client, far } = await bench.through(jittery);
    expect(draws).toBe(0);
    jittery.delay(10, 90);
    const began = performance.now();
    for (const [index, digit] of ['0', '1', '2', '3'].entries()) {
      client.socket.write(digit);
      await until(() => draws > index, { interval: 1 });
    }
    await far.has('a0123');
    expect(performance.now() - began).toBeGreaterThanOrEqual(100);
    await client.has('>a0123');
  });

  it('is over with heal, also for what is on its way', async () => {
    const { client, far } = await bench.through(proxy);
    proxy.delay(1_000_000);
    client.socket.write('b');
    await bench.amplePassingTime();
    expect(far.received).toBe('a');
    await proxy.heal();
    await client.has('>ab');
    await client.echo('c');
  });
});

describe('cut', () => {
  it('resets both sides of every open connection, and new ones work', async () => {
    const first = await bench.through(proxy);
    const second = await bench.through(proxy);
    proxy.cut();
    await expectReset(first.client, first.far, second.client, second.far);
    expect(proxy.connections).toBe(0);
    await expectWorking();
  });

  it('does not wait for a client that does not read', async () => {
    const { client, far } = await bench.through(proxy);
    client.socket.pause();
    while (far.socket.writableLength < 1_000_000) far.socket.write('x'.repeat(100_000), 'latin1');
    await bench.amplePassingTime();
    proxy.cut();
    await expectReset(far);
    client.socket.write('b');
    await expectReset(client);
  });
});

describe('refuse', () => {
  it('resets open connections and refuses new ones until heal', async () => {
    const { client, far } = await bench.through(proxy);
    proxy.refuse();
    await expectReset(client, far);
    await expect(bench.dial(proxy)).rejects.toThrow('ECONNREFUSED');
    await proxy.heal();
    await expectWorking();
  });

  it('wins over a heal that is still under way', async () => {
    proxy.refuse();
    const healing = proxy.heal();
    proxy.refuse();
    await healing;
    await expect(bench.dial(proxy)).rejects.toThrow('ECONNREFUSED');
    await Promise.all([proxy.heal(), proxy.heal()]);
    await expectWorking();
  });
});

describe('stop', () => {
  it('ends everything and leaves no handle', async () => {
    const handles = (): number =>
      process.getActiveResourcesInfo().filter((type) => /^(TCP|Timeout)/.test(type)).length;
    await bench.amplePassingTime();
    await until(() => bench.server.peers.every(({ closed }) => closed));
    const before = handles();
    const own = await bench.proxy();
    const { client, far } = await bench.through(own);
    own.delay(1_000_000);
    client.socket.write('b');
    await bench.amplePassingTime();
    expect(handles()).toBeGreaterThan(before);
    const stopped = own.stop();
    await expectReset(client, far);
    await stopped;
    await own.stop();
    await until(() => handles() === before, { what: `${handles()} handles becoming ${before}` });
    await expect(bench.dial(own)).rejects.toThrow('ECONNREFUSED');
    await expect(own.heal()).rejects.toThrow('stopped');
  });
});
