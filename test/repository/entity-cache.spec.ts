// What the cache of rows and lists does whatever the ORM: by way of the in-memory one.
import { afterEach, describe, expect, it } from '@jest/globals';

import { benchesOf, benchOf, closeBenches, TOPOLOGIES } from '../support/caches.js';
import { breathe, Deferred } from '../support/deferred.js';
import { CachedTasks, InMemoryDatabase, type Task } from './in-memory-orm.js';

afterEach(closeBenches);

async function open(
  topology: (typeof TOPOLOGIES)[number],
): Promise<{ database: InMemoryDatabase; tasks: CachedTasks; task: Task }> {
  const database = new InMemoryDatabase();
  const { cache } = await benchOf(topology);
  const tasks = new CachedTasks(database, cache);
  const task = await tasks.transaction(async (t) => tasks.add(t, 'ann'));
  return { database, tasks, task };
}

/** The next reads look at once, and are answered when it is said. */
function holdAnswers(database: InMemoryDatabase): Deferred<void> {
  const answer = new Deferred<void>();
  database.beforeAnswer = () => answer.promise;
  return answer;
}

describe.each(TOPOLOGIES)('%s', (topology) => {
  it('a reader who looked before a commit does not store what he saw', async () => {
    const { database, tasks, task } = await open(topology);
    const answer = holdAnswers(database);
    const early = tasks.findById(task.id);
    const list = tasks.findByOwner('ann');
    await breathe();
    database.beforeAnswer = async () => {};
    await tasks.transaction(async (t) => tasks.change(t, task.id, { done: true }));
    answer.resolve();
    await Promise.all([early, list]);
    expect(await tasks.findById(task.id)).toMatchObject({ done: true });
    expect(await tasks.findByOwner('ann')).toMatchObject([{ done: true }]);
  });

  it('the same where there was nothing to see', async () => {
    const { database, tasks, task } = await open(topology);
    const answer = holdAnswers(database);
    const early = tasks.findById(task.id + 1);
    await breathe();
    database.beforeAnswer = async () => {};
    const added = await tasks.transaction(async (t) => tasks.add(t, 'bob'));
    answer.resolve();
    expect(await early).toBeNull();
    expect(await tasks.findById(added.id)).toMatchObject({ owner: 'bob' });
  });

  it('what is not committed is seen inside and nowhere else, and leaves nothing behind', async () => {
    const { tasks, task } = await open(topology);
    await tasks.findById(task.id);
    const failed = tasks.transaction(async (t) => {
      tasks.change(t, task.id, { done: true });
      expect(await tasks.findById(task.id, t)).toMatchObject({ done: true });
      expect(await tasks.findByOwner('ann', t)).toMatchObject([{ done: true }]);
      expect(await tasks.findById(task.id)).toMatchObject({ done: false });
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    expect(await tasks.findById(task.id)).toMatchObject({ done: false });
  });

  it('savepoints: what was released is known, what was rolled back is not', async () => {
    const { database, tasks, task } = await open(topology);
    const other = await tasks.transaction(async (t) => tasks.add(t, 'bob'));
    const read = () => Promise.all([tasks.findById(task.id), tasks.findById(other.id)]);
    await read();
    await tasks.transaction(async (t) => {
      const outer = tasks.savepoint(t, 'outer');
      tasks.change(t, task.id, { done: true });
      const inner = tasks.savepoint(t, 'inner');
      tasks.change(t, other.id, { done: true });
      inner.rollback();
      await outer.release();
    });
    database.reads = 0;
    expect(await read()).toMatchObject([{ done: true }, { done: false }]);
    expect(database.reads).toBe(1);
  });

  it('a row that moves outdates the lists it leaves and enters, and no others', async () => {
    const { database, tasks, task } = await open(topology);
    const read = () => Promise.all(['ann', 'bob', 'cleo'].map((owner) => tasks.findByOwner(owner)));
    expect(await read()).toMatchObject([[{ id: task.id }], [], []]);
    await tasks.transaction(async (t) => tasks.change(t, task.id, { owner: 'bob' }));
    database.reads = 0;
    expect(await read()).toMatchObject([[], [{ id: task.id }], []]);
    // Two lists and the row.
    expect(database.reads).toBe(3);
  });

  it('instances are new for each reader', async () => {
    const { tasks, task } = await open(topology);
    const [one, two] = [await tasks.findById(task.id), await tasks.findById(String(task.id))];
    expect(one).toStrictEqual(two);
    expect(one).not.toBe(two);
    (one as { done: boolean }).done = true;
    expect(await tasks.findById(task.id)).toMatchObject({ done: false });
  });
});

it('other instances follow', async () => {
  const database = new InMemoryDatabase();
  const [p, q] = (await benchesOf('memory + redis', 2)).map(
    ({ cache }) => new CachedTasks(database, cache),
  ) as [CachedTasks, CachedTasks];
  const task = await p.transaction(async (t) => p.add(t, 'ann'));
  await q.findById(task.id);
  await q.findByOwner('ann');
  await p.transaction(async (t) => p.change(t, task.id, { done: true }));
  await breathe();
  expect(await q.findById(task.id)).toMatchObject({ done: true });
  expect(await q.findByOwner('ann')).toMatchObject([{ done: true }]);
});
