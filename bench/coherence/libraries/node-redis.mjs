/** Where Redis is, in the words of node-redis, which @keyv/redis and @qified/redis stand on. */
export function nodeRedisOptions({ host, port, name, sentinels }) {
  if (sentinels === undefined) return { url: `redis://${host}:${port}` };
  return { name, sentinelRootNodes: sentinels };
}
