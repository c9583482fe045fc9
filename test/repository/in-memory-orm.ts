// The smallest ORM there can be, and its adapter: the example for writing another one (docs/another-orm.md).
import type { CacheManager } from '../../lib/index.js';
import {
  CacheEntityError,
  type EntityAdapter,
  EntityCache,
  type EntityEntryOptions,
  type EntityId,
  type InstancesPlan,
  type LockedRow,
  type Row,
  type Session,
  WriteLog,
} from '../../lib/repository/index.js';

/** A task on somebody's list. */
export interface Task {
  readonly id: number;
  readonly owner: string;
  readonly done: boolean;
}

/** A database of one table. Reads and commits can be held up, to be interleaved by hand. */
export class InMemoryDatabase {
  readonly #committed = new Map<number, Task>();
  reads = 0;
  /** Awaited by each read after it has looked. */
  beforeAnswer: () => Promise<void> = async () => {};
  #lastId = 0;

  begin(): InMemoryTransaction {
    return new InMemoryTransaction(this.#committed);
  }

  nextId(): number {
    return ++this.#lastId;
  }

  async select(matches: (task: Task) => boolean, session: Session | undefined): Promise<Task[]> {
    this.reads++;
    const rows = session instanceof InMemoryTransaction ? session.rows : this.#committed;
    const found = [...rows.values()].filter(matches);
    await this.beforeAnswer();
    return found;
  }
}

/** Sees what it has written itself; the others see it when it is committed. */
export class InMemoryTransaction {
  rows: Map<number, Task>;

  constructor(private readonly committed: Map<number, Task>) {
    this.rows = new Map(committed);
  }

  commit(): void {
    this.committed.clear();
    for (const [id, task] of this.rows) this.committed.set(id, task);
  }
}

/** 1. Describe the entity, fetch rows by ids, make instances of rows. */
class TaskAdapter implements EntityAdapter<Task> {
  readonly shape = { source: 'memory', table: 'tasks', name: 'task', schema: '1' };

  constructor(private readonly database: InMemoryDatabase) {}

  idFrom(id: unknown): EntityId {
    const [value] = Array.isArray(id) ? (id as unknown[]) : [id];
    if (!Number.isInteger(Number(value))) throw new CacheEntityError(`${String(value)} is no id of a task`);
    return { text: String(Number(value)), values: [Number(value)] };
  }

  idOfRow(row: Row): EntityId {
    return this.idFrom(row['id']);
  }

  async fetch(ids: readonly EntityId[], session: Session | undefined): Promise<readonly Row[]> {
    const wanted = new Set(ids.map(({ values }) => values[0]));
    return (await this.database.select(({ id }) => wanted.has(id), session)).map((task) => ({ ...task }));
  }

  isDeleted(): boolean {
    return false;
  }

  hydrate(row: Row): Task {
    return { ...(row as unknown as Task) };
  }

  committedState(): number {
    return 0;
  }
}

/** 2. Turn queries into plans, 3. report what is written, and when it becomes visible. */
export class CachedTasks {
  readonly #tasks: EntityCache<Task>;
  readonly #log: WriteLog;

  constructor(
    private readonly database: InMemoryDatabase,
    cache: CacheManager,
    options: EntityEntryOptions = {},
  ) {
    const adapter = new TaskAdapter(database);
    this.#tasks = new EntityCache({ cache, adapter, options, context: undefined });
    this.#log = new WriteLog({
      source: 'memory',
      tables: () => ['tasks'],
      invalidate: (tags) => cache.invalidateTags(tags),
    });
  }

  findById(id: number | string, session?: Session): Promise<Task | null> {
    const direct = session && { session };
    return this.#tasks.one(this.#tasks.parts.adapter.idFrom(id), {}, direct);
  }

  async findByOwner(owner: string, session?: Session): Promise<Task[]> {
    const plan: InstancesPlan = {
      kind: 'instances',
      withDeleted: false,
      key: `owner=${owner}`,
      reads: [{ table: 'tasks', partitions: [{ column: 'owner', value: owner }] }],
      run: async (within) => {
        const found = await this.database.select((task) => task.owner === owner, within);
        return { ids: found.map(({ id }) => this.#tasks.parts.adapter.idFrom(id)) };
      },
    };
    return (await this.#tasks.list(plan, {}, session && { session })).instances;
  }

  async transaction<T>(work: (transaction: InMemoryTransaction) => Promise<T>): Promise<T> {
    const transaction = this.database.begin();
    this.#log.begin(transaction);
    try {
      const result = await work(transaction);
      transaction.commit();
      await this.#log.commit(transaction);
      return result;
    } catch (error) {
      this.#log.rollback(transaction);
      throw error;
    }
  }

  add(transaction: InMemoryTransaction, owner: string): Task {
    const task = { id: this.database.nextId(), owner, done: false };
    transaction.rows.set(task.id, task);
    this.#log.write(transaction, { table: 'tasks', rows: [], added: 1 });
    this.#log.report(transaction, {
      table: 'tasks',
      id: undefined,
      partitions: [{ column: 'owner', value: owner }],
    });
    return task;
  }

  change(transaction: InMemoryTransaction, id: number, change: Partial<Task>): void {
    const before = transaction.rows.get(id)!;
    const after = { ...before, ...change };
    // Nobody else writes this row until the transaction ends: elsewhere that is SELECT … FOR UPDATE.
    this.#log.lock(transaction, inPartOf(before));
    transaction.rows.set(id, after);
    this.#log.write(transaction, { table: 'tasks', rows: [String(id)], added: 0 });
    this.#log.report(transaction, inPartOf(after));
  }

  savepoint(transaction: InMemoryTransaction, name: string): { release(): Promise<void>; rollback(): void } {
    const before = new Map(transaction.rows);
    this.#log.savepoint(transaction, name);
    return {
      release: () => this.#log.release(transaction, name),
      rollback: () => {
        transaction.rows = before;
        this.#log.rollbackTo(transaction, name);
      },
    };
  }
}

function inPartOf({ id, owner }: Task): LockedRow {
  return { table: 'tasks', id: String(id), partitions: [{ column: 'owner', value: owner }] };
}
