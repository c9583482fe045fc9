import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const PROCESS = fileURLToPath(new URL('client-process.mjs', import.meta.url));

/** Several times what a run takes. Most of it is pauses of three seconds, until something is stale. */
const LIMIT = 10 * 60_000;

/**
 * The suite's own client, in a process of its own: it can be ended when it hangs, and answers cannot come late because
 * the client is busy. Resolves with what the suite calls results: true, or a kind of failure and its message, by test.
 */
export async function runClient({ folder }, url, id = '') {
  const client = spawn(process.execPath, ['--no-warnings', PROCESS, folder, url, id], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    timeout: LIMIT,
    killSignal: 'SIGKILL',
  });
  let outcomes;
  client.on('message', (message) => {
    outcomes = message;
  });
  const [code, signal] = await once(client, 'close');
  if (outcomes === undefined)
    throw new Error(`the suite's client ended with ${signal ?? code}, without results`);
  return outcomes;
}
