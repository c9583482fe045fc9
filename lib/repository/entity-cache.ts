import type { CacheManager } from '../core/cache-manager.js';
import type { EntryOptions } from '../core/entry-options.js';
import { escapeKeyPart } from '../primitives/escape.js';
import type { EntityAdapter, EntityId, InstancesPlan, Row, Session, ValuePlan } from './contract.js';
import { contextSuffix, contextText, type ReadContext } from './read-context.js';
import { rowsById } from './rows-by-id.js';
import { TableTags, tagsOfReads } from './table-tags.js';

/** The entry options that may differ from one query to another. Tags and classes are decided here. */
export type EntityEntryOptions = Omit<EntryOptions, 'tags' | 'type' | 'isolation'>;

/** What the cache of an entity is made of. */
export interface EntityCacheParts<Entity extends object> {
  readonly cache: CacheManager;
  readonly adapter: EntityAdapter<Entity>;
  readonly options: EntityEntryOptions;
  /** Whose rows these are, where not everybody may see all; the same for equal ones. */
  readonly context: ReadContext | undefined;
}

/** A read past the cache: in a transaction, or because somebody wants to see the row as it is. */
export interface DirectRead {
  readonly session: Session | undefined;
}

/** A list's instances, and how many there are in all if the query asked for that. */
export interface Listing<Entity> {
  readonly instances: Entity[];
  readonly count: number | undefined;
}

type Plan = Pick<InstancesPlan, 'key' | 'reads' | 'context'>;

/** What is stored of a query for instances. */
interface StoredListing {
  readonly ids: readonly (readonly unknown[])[];
  readonly count?: number;
}

/**
 * The rows and queries of one entity. Rows live once, under their id; lists refer to them. What is stored is tagged with what
 * was read, before it is read: what is written meanwhile keeps it from being used.
 */
export class EntityCache<Entity extends object> {
  readonly #names: TableTags;
  /** Of those that say nothing of a context. */
  readonly #shared: CacheManager;
  /**
   * Of reads that say nothing of their own. Frozen, so that the cache decides them once. Readers share rows, which adapters
   * copy what can be changed of: decoding a row anew costs several times what making an instance does.
   */
  readonly #rowOptions: EntryOptions<Row | null>;

  constructor(readonly parts: EntityCacheParts<Entity>) {
    const { source, table, schema } = parts.adapter.shape;
    this.#names = new TableTags(source, table);
    this.#rowOptions = Object.freeze({
      ...parts.options,
      isolation: 'share',
      tags: Object.freeze([this.#names.rows]) as string[],
    } as const);
    this.#shared = parts.cache.namespace(`db:${source}`).namespace(schema);
  }

  /** The instance with this id. */
  async one(id: EntityId, options: EntityEntryOptions, direct?: DirectRead): Promise<Entity | null> {
    const { adapter } = this.parts;
    if (direct !== undefined) return (await this.several([id], false, options, direct)).get(id.text) ?? null;
    const view = this.view();
    const key = this.#keyOf(id);
    const hit = isEmpty(options) ? view.fresh<Row | null>(key, this.#rowOptions) : undefined;
    const row = hit === undefined ? await this.#load(view, key, id, options) : hit;
    return row === null || adapter.isDeleted(row) ? null : adapter.hydrate(row);
  }

  #load(view: CacheManager, key: string, id: EntityId, options: EntityEntryOptions): Promise<Row | null> {
    const { adapter } = this.parts;
    return view.getOrSet<Row | null>(
      key,
      async (context) => {
        const [found] = await readCommitted(adapter, context, () => adapter.fetch([id], undefined));
        context.addTags(this.#tagsOf(id, found));
        return found ?? null;
      },
      { ...this.#rowOptions, ...options, tags: [this.#names.rows, this.#names.row(id.text)] },
    );
  }

  /** The instances there are, by the text of their ids. One look into the cache, one statement for all that it lacks. */
  async several(
    ids: readonly EntityId[],
    withDeleted: boolean,
    options: EntityEntryOptions,
    direct?: DirectRead,
  ): Promise<Map<string, Entity>> {
    if (direct !== undefined)
      return this.#hydrateAll(await rowsById(this.parts.adapter, ids, direct.session), withDeleted);
    const idOf = new Map(ids.map((id) => [this.#keyOf(id), id]));
    const rows = await this.view().getOrSetMany<Row | null>(
      idOf.keys(),
      async (missing, context) => {
        const wanted = missing.map((key) => idOf.get(key)!);
        const fetch = () => rowsById(this.parts.adapter, wanted, undefined);
        const found = await readCommitted(this.parts.adapter, context, fetch);
        missing.forEach((key, i) => {
          context.addTags(this.#tagsOf(wanted[i]!, found.get(wanted[i]!.text)), key);
        });
        return new Map(missing.map((key, i) => [key, found.get(wanted[i]!.text) ?? null]));
      },
      isEmpty(options) ? this.#rowOptions : { ...this.#rowOptions, ...options },
    );
    return this.#hydrateAll(
      [...rows].map(([key, row]) => [idOf.get(key)!.text, row]),
      withDeleted,
    );
  }

  /** What a query for instances finds. */
  async list(
    plan: InstancesPlan,
    options: EntityEntryOptions,
    direct?: DirectRead,
  ): Promise<Listing<Entity>> {
    if (direct !== undefined) {
      const { ids, count } = await plan.run(direct.session);
      return { instances: inOrder(ids, await this.several(ids, plan.withDeleted, {}, direct)), count };
    }
    const first = await this.#resolve(await this.#listing(plan, options), plan);
    if (first.complete) return first;
    // A row was removed a moment ago, or by somebody who did not tell.
    await this.view().delete(this.#keyOfQuery(plan));
    return this.#resolve(await this.#listing(plan, options), plan);
  }

  /** What any other query gives. */
  async value<T>(plan: ValuePlan<T>, options: EntityEntryOptions, direct?: DirectRead): Promise<T> {
    if (direct !== undefined) return plan.revive(await plan.run(direct.session));
    return plan.revive(await this.#query(plan, options, () => plan.run(undefined)));
  }

  /** Makes the row with this id unusable, and all lists that may have it, for everybody. */
  async invalidate(id: EntityId): Promise<void> {
    const { queries, partitions, rows } = this.#names;
    const spelled = this.parts.adapter.looseIds === true ? rows : this.#names.row(id.text);
    await this.parts.cache.invalidateTags([spelled, queries, partitions]);
  }

  /** Makes all rows and lists unusable, for everybody. */
  async invalidateAll(): Promise<void> {
    const { queries, partitions, rows } = this.#names;
    await this.parts.cache.invalidateTags([rows, queries, partitions]);
  }

  /** Makes the rows unusable whose keys match, as `user:4*`; for the caller's own context only. */
  async invalidatePattern(glob: string): Promise<void> {
    await this.view().clearPattern(glob);
  }

  #listing(plan: InstancesPlan, options: EntityEntryOptions): Promise<StoredListing> {
    return this.#query(plan, options, async () => {
      const { ids, count } = await plan.run(undefined);
      return { ids: ids.map(({ values }) => values), ...(count !== undefined && { count }) };
    });
  }

  async #resolve(
    { ids: stored, count }: StoredListing,
    { withDeleted }: InstancesPlan,
  ): Promise<Listing<Entity> & { readonly complete: boolean }> {
    const ids = stored.map((values) => this.parts.adapter.idFrom(values));
    const found = await this.several(ids, withDeleted, {});
    return { instances: inOrder(ids, found), count, complete: ids.every(({ text }) => found.has(text)) };
  }

  #query<T>(plan: Plan, options: EntityEntryOptions, run: () => Promise<T>): Promise<T> {
    const { adapter } = this.parts;
    return this.view().getOrSet<T>(
      this.#keyOfQuery(plan),
      (context) => readCommitted(adapter, context, run),
      { ...this.parts.options, ...options, tags: tagsOfReads(adapter.shape.source, plan.reads) },
    );
  }

  /** The row that an id stands for may be known by another spelling of it. */
  #tagsOf({ text }: EntityId, row: Row | undefined): string[] {
    if (row === undefined) return [this.#names.row(text), this.#names.absent];
    const own = this.parts.adapter.idOfRow(row).text;
    return [...new Set([text, own])].map((one) => this.#names.row(one));
  }

  async #hydrateAll(
    rows: Iterable<readonly [id: string, row: Row | null]>,
    withDeleted: boolean,
  ): Promise<Map<string, Entity>> {
    const { adapter } = this.parts;
    const instances = new Map<string, Entity>();
    for (const [id, row] of rows) {
      if (row === null || (!withDeleted && adapter.isDeleted(row))) continue;
      const instance = adapter.hydrate(row);
      instances.set(id, instance instanceof Promise ? await instance : instance);
    }
    return instances;
  }

  /** Rows of another schema, and what others may see, are under keys of their own. */
  view(): CacheManager {
    const { context } = this.parts;
    const whose = context && contextText(context);
    return whose === undefined ? this.#shared : this.#shared.namespace(whose);
  }

  #keyOf({ text }: EntityId): string {
    return `${this.parts.adapter.shape.name}:${escapeKeyPart(text)}`;
  }

  #keyOfQuery({ key, context }: Plan): string {
    return `${this.parts.adapter.shape.name}?${key}${contextSuffix(context)}`;
  }
}

function isEmpty(options: object): boolean {
  for (const _ in options) return false;
  return true;
}

/** A row that a list names twice comes twice, as one object. */
function inOrder<Entity>(ids: readonly EntityId[], found: ReadonlyMap<string, Entity>): Entity[] {
  return ids.flatMap(({ text }) => found.get(text) ?? []);
}

/** Reads for everybody. What may not be committed is for those who asked, and is not stored. */
export async function readCommitted<T>(
  adapter: Pick<EntityAdapter<never>, 'committedState'>,
  context: { skip(): void },
  read: () => Promise<T>,
): Promise<T> {
  const before = adapter.committedState();
  const result = await read();
  if (before === undefined || adapter.committedState() !== before) context.skip();
  return result;
}
