// What a hit costs beside a handler that returns a constant, over HTTP: rounds of both in turns, ratios of requests per second.
import autocannon from 'autocannon';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { cpus } from 'node:os';

const ROUNDS = 7;
const SECONDS = 2;
const CONNECTIONS = 32;

const CASES = [
  { name: 'an interceptor that does nothing', constant: 'constant', cached: 'through', headers: {} },
  { name: 'a hit of 600 bytes', constant: 'constant', cached: 'cached', headers: {} },
  {
    name: 'a hit of 600 bytes, of one user',
    constant: 'constant',
    cached: 'mine',
    headers: { authorization: 'Bearer of-ada' },
  },
  { name: 'a hit of 60 kB', constant: 'page', cached: 'cachedPage', headers: {} },
  { name: 'a hit that the client has (304)', constant: 'constant', cached: 'cached', headers: undefined },
];

for (const adapter of ['express', 'fastify']) {
  const server = fork(new URL('server.mjs', import.meta.url), [adapter], { stdio: 'inherit' });
  const [url] = await once(server, 'message');
  try {
    for (const { name, constant, cached, headers } of CASES) {
      const own = headers ?? { 'if-none-match': await entityTag(`${url}/${cached}`) };
      const measured = await compare(`${url}/${constant}`, `${url}/${cached}`, own);
      console.log(`| ${adapter} | ${name} | ${measured} |`);
    }
  } finally {
    server.disconnect();
    await once(server, 'exit');
  }
}
console.log(
  `${CONNECTIONS} connections, ${ROUNDS} rounds of ${SECONDS} s each, ${cpus().length} cores, Node ${process.versions.node}`,
);

async function entityTag(url) {
  await fetch(url);
  return (await fetch(url)).headers.get('etag');
}

async function compare(constant, cached, headers) {
  await load(constant, headers);
  await load(cached, headers);
  const ratios = [];
  const rates = [];
  for (let i = 0; i < ROUNDS; i++) {
    const [own, other] = [await load(constant, headers), await load(cached, headers)];
    ratios.push(own / other);
    rates.push(other);
  }
  const [low, middle, high] = [0.25, 0.5, 0.75].map((part) => quantile(ratios, part).toFixed(2));
  return `${middle}× | ${low} – ${high} | ${Math.round(quantile(rates, 0.5))}/s`;
}

/** Requests per second. A failed one fails the run. */
async function load(url, headers) {
  const result = await autocannon({ url, headers, connections: CONNECTIONS, duration: SECONDS });
  if (result.errors + result.timeouts > 0 || result['4xx'] + result['5xx'] > 0)
    throw new Error(`failed: ${url}`);
  return result.requests.total / result.duration;
}

function quantile(values, part) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.round(part * (sorted.length - 1))];
}
