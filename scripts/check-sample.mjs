// Starts the built sample, calls it over HTTP, stops it, and fails if any of the three does not work.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../sample/dist/main.js', import.meta.url));
const START_LIMIT = 30_000;
const STOP_LIMIT = 10_000;

const port = await freePort();
const base = `http://127.0.0.1:${port}`;
const sample = spawn(process.execPath, [MAIN], {
  env: { ...process.env, PORT: String(port) },
  stdio: ['ignore', 'inherit', 'inherit'],
});
const exited = once(sample, 'exit');

try {
  await untilItAnswers(`${base}/cache/stats`);
  for (const path of ['/products', '/products', '/products/1', '/products/1']) await call(path);
  const stats = await call('/cache/stats');
  console.log(JSON.stringify(stats));
  if (!(stats.hits >= 2)) throw new Error('asking twice gave no hits');
  sample.kill('SIGTERM');
  const [code, signal] = await Promise.race([
    exited,
    timeout(STOP_LIMIT, 'the sample did not stop on SIGTERM'),
  ]);
  if (code !== 0 && signal !== 'SIGTERM') throw new Error(`the sample ended with ${code ?? signal}`);
  console.log('The sample started, answered and stopped.');
} finally {
  sample.kill('SIGKILL');
}

async function call(path) {
  const before = performance.now();
  const response = await fetch(base + path, { signal: AbortSignal.timeout(10_000) });
  const body = await response.json();
  console.log(`GET ${path} ${response.status} ${(performance.now() - before).toFixed(1)} ms`);
  if (!response.ok) throw new Error(`GET ${path} answered ${response.status}`);
  return body;
}

async function untilItAnswers(url) {
  const deadline = performance.now() + START_LIMIT;
  for (;;) {
    if (sample.exitCode !== null || sample.signalCode !== null)
      throw new Error('the sample ended while starting');
    const response = await fetch(url, { signal: AbortSignal.timeout(1_000) }).catch(() => undefined);
    if (response?.ok) return;
    if (performance.now() > deadline) throw new Error(`${url} did not answer within ${START_LIMIT} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port: free } = probe.address();
  probe.close();
  return free;
}

function timeout(milliseconds, message) {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error(message)), milliseconds).unref();
  });
}
