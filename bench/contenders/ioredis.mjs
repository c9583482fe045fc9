import { Redis } from 'ioredis';

import { TTL_MS } from '../harness/values.mjs';

/** The baseline of everything in Redis: JSON in strings, one command per call. */
export const contender = {
  name: 'ioredis',
  package: 'ioredis',
  setups: {
    ioredis: {
      values: 'JSON',
      offers: { get: 'GET', getMany: 'MGET', set: 'SET' },
      open: ({ redisUrl }) => openClient(new Redis(redisUrl)),
    },
    'ioredis-auto': {
      name: 'ioredis, auto pipelining',
      values: 'JSON',
      offers: { get: 'GET', set: 'SET' },
      open: ({ redisUrl }) => openClient(new Redis(redisUrl, { enableAutoPipelining: true })),
    },
    'ioredis-batched': {
      name: 'ioredis, one MGET per tick by hand',
      values: 'JSON',
      offers: { get: 'MGET' },
      open({ redisUrl }) {
        const client = new Redis(redisUrl);
        return { ...openClient(client), get: batchedGet(client) };
      },
    },
  },
};

function openClient(client) {
  return {
    get: async (key) => JSON.parse(await client.get(key)),
    getMany: async (keys) => (await client.mget(keys)).map((json) => JSON.parse(json)),
    set: async (key, value) => void (await client.set(key, JSON.stringify(value), 'PX', TTL_MS)),
    close: () => client.quit(),
  };
}

/** Gathers the keys asked for in one turn of the event loop: about the least that batching can cost. */
function batchedGet(client) {
  let waiting = [];
  async function flush() {
    const batch = waiting;
    waiting = [];
    const found = await client.mget(batch.map(({ key }) => key));
    for (const [i, { resolve }] of batch.entries()) resolve(JSON.parse(found[i]));
  }
  return (key) =>
    new Promise((resolve) => {
      if (waiting.push({ key, resolve }) === 1) process.nextTick(flush);
    });
}
