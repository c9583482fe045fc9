import { describe, expect, it } from '@jest/globals';
import type { Cluster } from 'ioredis';

import { ClusterServers } from '../../lib/stores/redis/cluster-servers.js';
import { Bookkeeping } from '../../lib/stores/redis/bookkeeping.js';
import { REMOVE } from '../../lib/stores/redis/scripts.js';
import type { Topology } from '../../lib/stores/redis/topology.js';
import { Deferred } from '../support/deferred.js';
import { SETTINGS } from './redis-helpers.js';
import { bytes, entry } from './store-helpers.js';

type Reply = [error: Error | null, result: unknown];

/**
 * One node that owns all slots as far as the client knows, whose replies the test gives: what a real cluster does only in
 * the moment in which a slot changes hands.
 */
class ScriptedCluster {
  readonly status = 'ready';
  readonly options = {};
  readonly slots = Array.from({ length: 16_384 }, () => ['node:1']);
  /** What was sent to the node, a line per pipeline. */
  readonly sent: string[] = [];
  /** What went the detour. */
  readonly routed: string[] = [];
  readonly #replies: Deferred<Reply[]>[] = [];
  readonly #value = new Map<string, Buffer>();

  nodes(): unknown[] {
    return [
      { options: { host: 'node', port: 1, enableAutoPipelining: true }, pipeline: () => this.#pipeline() },
    ];
  }

  /** Answers the pipeline sent first. */
  answer(...replies: (Error | string | number | (string | null)[])[]): void {
    const toReply = (reply: (typeof replies)[number]): Reply => {
      if (reply instanceof Error) return [reply, undefined];
      return [null, Array.isArray(reply) ? reply.map((text) => (text === null ? null : bytes(text))) : reply];
    };
    this.#replies.shift()!.resolve(replies.map(toReply));
  }

  async set(key: string, value: Buffer): Promise<string> {
    this.routed.push(`set ${key} ${value.toString()}`);
    this.#value.set(key, value);
    return 'OK';
  }

  async evalBuffer(script: string, _keys: number, key: string): Promise<number> {
    expect(script).toBe(REMOVE);
    this.routed.push(`remove ${key}`);
    return this.#value.delete(key) ? 1 : 0;
  }

  async getBuffer(key: string): Promise<Buffer | null> {
    this.routed.push(`get ${key}`);
    return this.#value.get(key) ?? null;
  }

  #pipeline(): unknown {
    const commands: string[] = [];
    const add = (command: string): void => void commands.push(command);
    return {
      set: (key: string, value: Buffer) => add(`set ${key} ${value.toString()}`),
      evalBuffer: (script: string, _keys: number, key: string) => {
        expect(script).toBe(REMOVE);
        add(`remove ${key}`);
      },
      mgetBuffer: (keys: string[]) => add(`mget ${keys.join(' ')}`),
      exec: () => {
        this.sent.push(commands.join(', '));
        const reply = new Deferred<Reply[]>();
        this.#replies.push(reply);
        return reply.promise;
      },
    };
  }
}

const bookkeeping = new Bookkeeping(SETTINGS);
const MOVED = (): Error => new Error('MOVED 1 other:1');

function set(topology: Topology, key: string, value: string): Promise<unknown> {
  const lane = topology.laneToWrite(key);
  const place = lane.write({ kind: 'set', key, values: [entry(key, value)], until: undefined });
  return lane.done.then(() => lane.result(place));
}

function remove(topology: Topology, key: string): Promise<unknown> {
  const lane = topology.laneToWrite(key);
  const place = lane.write({ kind: 'remove', key, keys: [key] });
  return lane.done.then(() => lane.result(place));
}

function get(topology: Topology, key: string): Promise<string | undefined> {
  const lane = topology.laneToRead(key);
  const place = lane.read(key);
  return lane.done.then(() => lane.value(place)?.toString());
}

function scripted(): { cluster: ScriptedCluster; topology: Topology } {
  const cluster = new ScriptedCluster();
  const options = {
    owned: true,
    commandTimeout: 1_000,
    bookkeeping,
    patience: () => 250,
    onSend: () => undefined,
  };
  return { cluster, topology: new ClusterServers(cluster as unknown as Cluster, options) };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('when a slot changes hands in the middle of a lane', () => {
  it('a write that was turned away does not undo a later one that was accepted', async () => {
    const { cluster, topology } = scripted();
    const calls = [set(topology, 'k', '1'), set(topology, 'k', '2')];
    await turn();
    cluster.answer(MOVED(), 'OK');
    await Promise.all(calls);
    expect(cluster.sent).toEqual(['set k 1, set k 2']);
    expect(cluster.routed).toEqual([]);
  });

  it('nor does a removal, which then found nothing', async () => {
    const { cluster, topology } = scripted();
    const calls = [remove(topology, 'k'), set(topology, 'k', '2')];
    await turn();
    cluster.answer(MOVED(), 'OK');
    expect(await Promise.all(calls)).toEqual(['replaced', 'OK']);
    expect(cluster.routed).toEqual([]);
  });

  it('but is sent anew if the later one failed, or was of another key', async () => {
    const { cluster, topology } = scripted();
    const calls = [set(topology, 'k', '1'), set(topology, 'other', 'x'), set(topology, 'k', '2')];
    await turn();
    cluster.answer(MOVED(), 'OK', new Error('OOM'));
    const [first, , last] = await Promise.allSettled(calls);
    expect(first?.status).toBe('fulfilled');
    expect(last).toMatchObject({ reason: { code: 'CACHE_STORE_FAILED', key: 'k' } });
    expect(cluster.routed).toEqual(['set k 1']);
  });

  it('a read that the node could answer is repeated after the write that it could not', async () => {
    const { cluster, topology } = scripted();
    const calls = [set(topology, '{s}k', '1'), get(topology, '{s}k'), get(topology, '{s}j')] as const;
    await turn();
    cluster.answer(MOVED(), [null, 'J']);
    expect(await Promise.all(calls)).toEqual(['OK', '1', 'J']);
    expect(cluster.routed).toEqual(['set {s}k 1', 'get {s}k']);
  });

  it('keeps the order of the writes that are turned away', async () => {
    const { cluster, topology } = scripted();
    const calls = [
      set(topology, 'k', '1'),
      remove(topology, 'k'),
      set(topology, 'k', '2'),
      get(topology, 'k'),
    ];
    await turn();
    cluster.answer(MOVED(), MOVED(), MOVED(), MOVED());
    expect(await Promise.all(calls)).toEqual(['OK', 1, 'OK', '2']);
    expect(cluster.routed).toEqual(['set k 1', 'remove k', 'set k 2', 'get k']);
  });
});

describe('a command on a key with a write under way', () => {
  it('waits for the write, together with all that come meanwhile; others do not', async () => {
    const { cluster, topology } = scripted();
    const first = set(topology, 'k', '1');
    await turn();
    const later = [set(topology, 'k', '2'), get(topology, 'other')];
    await turn();
    later.push(get(topology, 'k'), set(topology, 'k', '3'));
    await turn();
    expect(cluster.sent).toEqual(['set k 1', 'mget other']);
    cluster.answer('OK');
    await first;
    await turn();
    expect(cluster.sent.slice(2)).toEqual(['set k 2, set k 3, mget k']);
    cluster.answer(['X']);
    cluster.answer('OK', 'OK', ['3']);
    expect(await Promise.all(later)).toEqual(['OK', 'X', '3', 'OK']);
  });

  it('waits for its detour, too', async () => {
    const { cluster, topology } = scripted();
    const first = set(topology, 'k', '1');
    await turn();
    const second = get(topology, 'k');
    cluster.answer(MOVED());
    await first;
    await turn();
    expect(cluster.routed).toEqual(['set k 1']);
    cluster.answer(['1']);
    expect(await second).toBe('1');
  });

  it('is given up with the write that is not answered, and never sent', async () => {
    const cluster = new ScriptedCluster();
    const options = {
      owned: false,
      commandTimeout: 40,
      bookkeeping,
      patience: () => 250,
      onSend: () => undefined,
    };
    const topology = new ClusterServers(cluster as unknown as Cluster, options);
    const calls = [set(topology, 'k', '1')];
    await turn();
    calls.push(set(topology, 'k', '2'), get(topology, 'k'));
    for (const call of await Promise.allSettled(calls)) {
      expect(call).toMatchObject({ reason: { code: 'CACHE_STORE_FAILED' } });
    }
    const late = get(topology, 'k');
    cluster.answer('OK');
    await turn();
    expect(cluster.sent).toEqual(['set k 1', 'mget k']);
    cluster.answer(['1']);
    expect(await late).toBe('1');
  });

  it('is sent before settle() resolves', async () => {
    const { cluster, topology } = scripted();
    const first = set(topology, 'k', '1');
    await turn();
    const second = set(topology, 'k', '2');
    let settled = false;
    const settling = topology.settle().then(() => (settled = true));
    cluster.answer('OK');
    await first;
    await turn();
    expect(settled).toBe(false);
    cluster.answer('OK');
    await Promise.all([second, settling]);
    expect(cluster.sent).toEqual(['set k 1', 'set k 2']);
  });
});
