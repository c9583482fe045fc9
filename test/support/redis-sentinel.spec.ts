import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { startSentinel, until, type RedisSentinel, type RedisServer } from './redis-server.js';

let group: RedisSentinel;

beforeAll(async () => {
  group = await startSentinel();
});
afterAll(() => group.stop());

async function role(node: RedisServer): Promise<string | undefined> {
  return /role:(\w+)/.exec(await node.command('INFO', 'replication'))?.[1];
}

describe('startSentinel', () => {
  it('has three Sentinels watch a master with two replicas', async () => {
    expect(await Promise.all(group.nodes.map(role))).toEqual(['master', 'slave', 'slave']);
    expect(await group.master()).toBe(group.nodes[0]);
    expect(new Set(group.sentinels.map(({ port }) => port)).size).toBe(3);
  });

  it('lets a client write through each failover, as long as killed nodes come back', async () => {
    const client = new Redis({ name: group.name, sentinels: group.sentinels, retryStrategy: () => 50 });
    client.on('error', () => undefined);
    await client.set('k', 'first');
    await client.wait(2, 0);

    const [first] = group.nodes as [RedisServer];
    await group.failover();
    const second = await group.master();
    expect(second).not.toBe(first);
    expect(first.pid).toBeUndefined();
    expect(await role(second)).toBe('master');
    expect(await second.command('GET', 'k')).toBe('first');
    await until(() => client.set('k', 'second').catch(() => undefined), { what: 'the client writing again' });
    expect(await second.command('GET', 'k')).toBe('second');

    await group.restart();
    expect(await role(first)).toBe('slave');
    expect(await first.command('GET', 'k')).toBe('second');
    await group.failover();
    const third = await group.master();
    expect(third).not.toBe(second);
    await until(() => client.set('k', 'third').catch(() => undefined), { what: 'the client writing again' });
    expect(await third.command('GET', 'k')).toBe('third');
    client.disconnect();
  }, 60_000);

  it('stops all processes, also those killed before', async () => {
    const pids = group.nodes.map(({ pid }) => pid);
    expect(pids).toContain(undefined);
    await group.stop();
    expect(group.nodes.map(({ pid }) => pid)).toEqual([undefined, undefined, undefined]);
    await expect(group.master()).rejects.toThrow('ECONNREFUSED');
  });
});
