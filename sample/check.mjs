// Starts the built sample as a process of its own, goes through what README.md tells, and stops it. Exits with 0 if all of
// it came true. `npm run sample:check` builds first.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('dist/main.js', import.meta.url));
const START_LIMIT = 30_000;
const CALL_LIMIT = 10_000;
const STOP_LIMIT = 10_000;

const sample = spawn(process.execPath, [MAIN], {
  env: { ...process.env, PORT: '0' },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const ended = once(sample, 'exit');
try {
  const url = await within(START_LIMIT, 'start', urlOf(sample));
  await goThrough(url);
  sample.kill('SIGINT');
  const [code, signal] = await within(STOP_LIMIT, 'stop on SIGINT', ended);
  assert.equal(code ?? signal, 0, 'the exit code');
  console.log('The sample started, answered as its README says, and stopped.');
} finally {
  sample.kill('SIGKILL');
}

async function goThrough(url) {
  const call = caller(url);
  const first = await call('GET', '/products/1');
  assert.equal(first.name, 'Oak desk');
  assert.equal(first.price, '449.00 EUR');
  const loads = (await call('GET', '/cache/stats')).loads;

  assert.deepEqual(await call('GET', '/products/1'), first);
  const again = await call('GET', '/cache/stats');
  assert.equal(again.loads, loads, 'asking twice loads once');
  assert.equal(again.memory.hits, 2, 'the product and its rating come from memory');
  assert.equal('redis' in again, Boolean(process.env.REDIS_URL), 'Redis is a tier when REDIS_URL is set');

  const review = { author: 'Ada', rating: 5, text: 'Sturdy.' };
  for (const path of ['/products', '/products/2/reviews', '/products/1/reviews']) await call('GET', path);
  const added = await call('POST', '/products/1/reviews', 201, review);
  assert.deepEqual((await call('GET', '/products/1/reviews'))[0], added, 'a write is seen at once');
  assert.equal((await call('GET', '/products/1')).rating.count, first.rating.count + 1);
  const before = (await call('GET', '/cache/stats')).loads;
  for (const path of ['/products', '/products/2/reviews']) await call('GET', path);
  assert.equal((await call('GET', '/cache/stats')).loads, before, 'a review of product 1 concerns neither');

  const page = await call('GET', '/shop');
  assert.equal(await call('GET', '/shop'), page, 'a page is kept as a whole');
  const ada = { authorization: 'Bearer ada' };
  await call('PUT', '/wishlist/1', 204, undefined, ada);
  assert.equal((await call('GET', '/wishlist', 200, undefined, ada)).length, 1);
  assert.deepEqual(await call('GET', '/wishlist', 200, undefined, { authorization: 'Bearer bob' }), []);

  await call('PATCH', '/products/1', 200, { priceCents: 39_900 });
  assert.equal((await call('GET', '/products'))[0].price, '399.00 EUR');
  assert.match(await call('GET', '/shop'), /Oak desk, 399\.00 EUR/, 'a page shows what was written');
  assert.equal((await call('GET', '/wishlist', 200, undefined, ada))[0].price, '399.00 EUR');
  assert.equal((await call('GET', '/products/99', 404)).message, 'there is no product 99');
  await call('POST', '/products/1/reviews', 400, { rating: 6 });
}

/** Calls the sample, shows what happened, and expects a status. */
function caller(url) {
  return async (method, path, status = 200, body, headers = {}) => {
    const response = await fetch(url + path, {
      method,
      signal: AbortSignal.timeout(CALL_LIMIT),
      headers: body ? { ...headers, 'content-type': 'application/json' } : headers,
      ...(body && { body: JSON.stringify(body) }),
    });
    console.log(`${method} ${path} ${response.status} ${response.headers.get('x-took-ms')} ms`);
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    const answer = await (isJson ? response.json() : response.text());
    assert.equal(response.status, status, `${method} ${path}: ${JSON.stringify(answer)}`);
    return answer;
  };
}

/** The address the sample prints once it listens; the rest of its output is kept for the case that it does not. */
function urlOf(child) {
  const output = [];
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout })
      .on('line', (line) => {
        output.push(line);
        const url = /listens on (http:\S+)/.exec(line)?.[1];
        if (url !== undefined) resolve(url);
      })
      .on('close', () => reject(new Error(`the sample ended while starting:\n${output.join('\n')}`)));
  });
}

async function within(limit, what, work) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the sample did not ${what} within ${limit} ms`)), limit);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
