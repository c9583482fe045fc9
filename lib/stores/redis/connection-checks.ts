import { CacheConfigError } from '../../primitives/errors.js';
import { CLUSTER_OPTIONS, SERVER_OPTIONS } from './ioredis-options.js';
import { checkOptions, isGiven, isObject, type Options, refuse, wrong } from './option-checks.js';

/** What a URL may say beside its address; ioredis takes other parameters as strings, whatever they should be. */
const URL_PARAMETERS = ['connectionName', 'db', 'family', 'keyPrefix'];
const ADDRESS = ['host', 'port', 'path', 'sentinels', 'name'];

/**
 * Checks the options of a connection to one server, or to a master behind Sentinels.
 * @throws CacheConfigError
 */
export function checkServer(options: Options, path: string): void {
  checkOptions(options, path, SERVER_OPTIONS, ['ttl', 'required', 'url', 'cluster', 'client']);
  checkWritable(options, path);
  if (isGiven(options, 'path')) {
    refuse(
      options,
      ['host', 'port', 'sentinels'],
      path,
      `contradicts ${path}.path: a socket has no other address`,
    );
  }
  if (isGiven(options, 'sentinels')) {
    refuse(options, ['host', 'port'], path, `contradicts ${path}.sentinels: those say where the server is`);
    if (!isGiven(options, 'name')) {
      throw new CacheConfigError(
        `${path}.name`,
        `${path}.sentinels needs ${path}.name, the name of the master group`,
      );
    }
    return;
  }
  refuse(
    options,
    ['name'],
    path,
    `goes with ${path}.sentinels; to name the connection use ${path}.connectionName`,
  );
}

/**
 * Checks a connection given by URL.
 * @returns the URL as ioredis understands it
 * @throws CacheConfigError whose message does not repeat the URL, as it may hold a password
 */
export function checkUrl(options: Options, path: string): string {
  const { url, ...rest } = options;
  const option = `${path}.url`;
  if (typeof url !== 'string') throw wrong(option, url, "a string such as 'redis://localhost:6379'");
  refuse(rest, ADDRESS, path, `contradicts ${option}: use one of them`);
  checkServer(rest, path);
  const parsed = parseUrl(url, option);
  const inUrl = { username: parsed.username, password: parsed.password, db: parsed.pathname.slice(1) };
  const twice = Object.entries(inUrl).flatMap(([name, value]) => (value === '' ? [] : [name]));
  refuse(rest, twice, path, `is given in ${option} as well: use one of them`);
  // ioredis knows only Redis' own schemes.
  return url.replace(/^valkey/i, 'redis');
}

function parseUrl(url: string, option: string): URL {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined || !['redis', 'rediss', 'valkey', 'valkeys'].includes(scheme)) {
    const found = scheme === undefined ? 'has no scheme' : `begins with ${scheme}://`;
    throw new CacheConfigError(
      option,
      `${option} ${found}: expected redis://host:port/db, or rediss:// for TLS; for a socket use redis.path`,
    );
  }
  let parsed: URL;
  try {
    parsed = new URL(url);
    decodeURIComponent(parsed.username + parsed.password);
  } catch {
    // The error of URL repeats the input.
    throw new CacheConfigError(
      option,
      `${option} is not a valid URL: encode special characters of user name and password (encodeURIComponent)`,
    );
  }
  if (parsed.port === '0') throw new CacheConfigError(option, `${option} has port 0: expected 1 to 65,535`);
  if (!/^\/?\d*$/.test(parsed.pathname)) {
    throw new CacheConfigError(
      option,
      `${option} must end with the number of the database, as in redis://host:6379/2`,
    );
  }
  const odd = [...parsed.searchParams.keys()].find((name) => !URL_PARAMETERS.includes(name));
  if (odd === undefined) return parsed;
  throw new CacheConfigError(
    option,
    `${option} has the parameter '${odd}': allowed are ${URL_PARAMETERS.join(', ')}; give others as options beside it`,
  );
}

/**
 * Checks `{ nodes, options }`, or the nodes alone.
 * @throws CacheConfigError
 */
export function checkCluster(
  cluster: unknown,
  path: string,
): { nodes: readonly unknown[]; options: Options } {
  if (Array.isArray(cluster)) return checkCluster({ nodes: cluster }, path);
  if (!isObject(cluster)) throw wrong(path, cluster, 'an array of nodes, or { nodes, options }');
  checkOptions(cluster, path, { nodes: 'array', options: 'object' });
  const nodes = (cluster['nodes'] ?? []) as readonly unknown[];
  const options = (cluster['options'] ?? {}) as Options;
  if (nodes.length === 0) {
    throw new CacheConfigError(`${path}.nodes`, `${path}.nodes must name at least one node of the cluster`);
  }
  for (const [i, node] of nodes.entries()) checkNode(node, `${path}.nodes[${i}]`);
  checkOptions(options, `${path}.options`, CLUSTER_OPTIONS);
  checkMasterReads(options, `${path}.options`);
  const { redisOptions } = options;
  if (isObject(redisOptions)) checkNodeOptions(redisOptions, `${path}.options.redisOptions`);
  return { nodes, options };
}

function checkNodeOptions(options: Options, path: string): void {
  refuse(options, ADDRESS, path, 'does not apply to a cluster: the nodes say where they are');
  if (options['db'] !== 0) refuse(options, ['db'], path, 'does not apply: a cluster has database 0 only');
  checkOptions(options, path, SERVER_OPTIONS);
  checkWritable(options, path);
}

function checkNode(node: unknown, path: string): void {
  if (typeof node === 'string' && node !== '') return;
  if (typeof node === 'number') return checkOptions({ port: node }, path, { port: 'port' });
  if (typeof node === 'string' || !isObject(node) || Array.isArray(node)) {
    throw wrong(path, node, "{ host, port }, a port, or a string such as 'host:6379'");
  }
  checkOptions(node, path, SERVER_OPTIONS);
}

/** A replica may be behind: what was invalidated on the master could be read there still. */
export function checkMasterReads(options: Options, path: string): void {
  const { scaleReads } = options;
  if (scaleReads === undefined || scaleReads === 'master') return;
  throw new CacheConfigError(
    `${path}.scaleReads`,
    `${path}.scaleReads must be 'master': a replica may still have what has been invalidated`,
  );
}

export function checkWritable(options: Options, path: string): void {
  const because = 'does not go with a cache: it has to write, and to read what it wrote';
  if (options['readOnly'] === true) refuse(options, ['readOnly'], path, because);
  if (options['monitor'] === true) refuse(options, ['monitor'], path, because);
  if (options['role'] !== 'master') refuse(options, ['role'], path, because);
}
