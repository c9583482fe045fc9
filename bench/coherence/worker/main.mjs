// One process with a cache of its own, as its parent asks: it reads and writes, and reports what it saw and when.
import { Database } from '../database.mjs';
import { KEYS } from '../keys.mjs';
import { loadLibrary } from '../libraries/index.mjs';
import { look } from './look.mjs';
import { Random } from '../random.mjs';
import { Recorder } from './recorder.mjs';
import { within } from '../time.mjs';
import { Traffic } from './traffic.mjs';
import { Watch } from './watch.mjs';

const REPORT_EVERY = 100;

const recorder = new Recorder((records) => process.send({ records }));
let library;
let settings;
let cache;
let traffic;

const commands = {
  async open(given) {
    settings = given;
    library = await loadLibrary(settings.library);
    // What looks at Redis afresh opens a cache for each look.
    if (settings.looksOnly) return;
    cache = await library.open(settings.cache);
    // Some connect at the first call: traffic begins when that is done.
    await within(5_000, cache.get(KEYS[0]));
    setInterval(() => recorder.flush(), REPORT_EVERY);
    if (cache.contact !== undefined) new Watch(() => cache.contact(), recorder).start();
  },
  async start() {
    const { databasePort, seed, process, processes } = settings;
    const database = new Database(databasePort);
    const random = new Random(seed + 7919 * (process + 1));
    traffic = new Traffic({ cache, database, recorder, random, process, processes });
    traffic.start();
  },
  async stopWriting() {
    traffic.stopWriting();
  },
  async stop() {
    const pending = await traffic.stop();
    recorder.flush();
    return pending;
  },
  look: () => look(cache),
  async lookAfresh() {
    const fresh = await library.open(settings.cache);
    try {
      return await look(fresh);
    } finally {
      await within(1_000, fresh.close());
    }
  },
  async close() {
    await within(2_000, cache?.close());
  },
};

// An application would be told of both, and may go on after the first.
process.on('unhandledRejection', (error) => {
  recorder.failure('unhandled', { error: String(error?.stack ?? error) });
});
process.on('uncaughtException', (error) => {
  recorder.failure('uncaught', { error: String(error?.stack ?? error) });
  recorder.flush();
  setTimeout(() => process.exit(1), 50);
});
// Also when the parent was killed.
process.on('disconnect', () => process.exit());
process.on('message', ({ command, given, call }) => {
  commands[command](given).then(
    (result) => process.send({ call, result }),
    (error) => process.send({ call, error: error.stack }),
  );
});
