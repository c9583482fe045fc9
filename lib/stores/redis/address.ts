import type { ClusterNode } from 'ioredis';

import { type RedisOptions, resolveRedisOptions } from './redis-options.js';

type Place = { readonly host?: string; readonly port?: number; readonly path?: string | undefined };

/** Where these options say that Redis is, for messages: never a user's name or a password. */
export function addressOf(options: RedisOptions): string {
  const redis = resolveRedisOptions(options);
  if (redis.kind === 'cluster') return `the cluster ${listOf(redis.nodes)}`;
  if (redis.kind === 'client')
    return redis.client.isCluster ? 'a cluster' : placeOf(redis.client.options as Place);
  if (redis.url !== undefined) {
    const { hostname, port } = new URL(redis.url);
    return placeOf({ host: hostname, port: Number(port) });
  }
  const { sentinels, name } = redis.options;
  if (sentinels) return `the master '${name}' of the Sentinels ${listOf(sentinels)}`;
  return placeOf(redis.options);
}

function listOf(nodes: readonly ClusterNode[]): string {
  return nodes
    .map((node) => {
      if (typeof node === 'number') return placeOf({ port: node });
      // A node that is a string may be a URL with a password.
      return typeof node === 'string' ? node.replace(/^.*@/, '') : placeOf(node);
    })
    .join(', ');
}

function placeOf({ host, port, path }: Place): string {
  return path ? path : `${host || 'localhost'}:${port || 6379}`;
}
