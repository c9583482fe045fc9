import type { RedisServer } from '../../support/redis-process.js';
import { until } from '../../support/until.js';
import { Choices } from './choices.js';
import { NAMESPACE } from './run.js';

type Trouble = (isDone: () => boolean) => Promise<void>;

/** Redis is emptied and loses parts of what it knows, again and again. */
export function flushes(redis: RedisServer, pause = 700): Trouble {
  return async (isDone) => {
    for (let i = 0; !isDone(); i++) {
      await passed(pause, isDone);
      await (i % 2 === 0 ? forget(redis, new Choices(i)) : redis.command('FLUSHALL'));
    }
  };
}

/** Restarted as well, so that for a while nobody can be told of anything. */
export function restarts(redis: RedisServer, seed: number, counts: Record<string, number>): Trouble {
  const choices = new Choices(seed);
  const deeds: Record<string, () => Promise<unknown>> = {
    emptied: () => redis.command('FLUSHALL'),
    'bookkeeping key deleted': () => forget(redis, choices),
    restarted: () => redis.restart(),
  };
  return async (isDone) => {
    while (!isDone()) {
      await passed(1_000 + 3_000 * choices.next(), isDone);
      const name = choices.pick(Object.keys(deeds));
      await deeds[name]!();
      counts[name] = (counts[name] ?? 0) + 1;
    }
  };
}

/** Deletes one of the keys by which it is known what is valid. */
async function forget(redis: RedisServer, choices: Choices): Promise<void> {
  const script = `local keys = redis.call('KEYS', '{${NAMESPACE}}~*') table.sort(keys) return table.concat(keys, ' ')`;
  const keys = (await redis.command('EVAL', script, 0)).split(' ');
  if (keys[0] !== '') await redis.command('DEL', choices.pick(keys));
}

async function passed(milliseconds: number, isDone: () => boolean): Promise<void> {
  const begun = performance.now();
  await until(() => isDone() || performance.now() - begun > milliseconds, { interval: 20, timeout: 60_000 });
}
