import { escapeKeyPart } from '../primitives/escape.js';
import type { EntityId, Read, Session } from './contract.js';
import { type DirectRead, type EntityCache, readCommitted } from './entity-cache.js';
import { contextSuffix, type ReadContext } from './read-context.js';
import { tagsOfReads } from './table-tags.js';

/** What is related to an entity's instances by one of its relations, where that is a matter of other rows. */
export interface RelationPlan {
  readonly name: string;
  /** Whose rows may be seen of entities other than the owner, where these have contexts. */
  readonly context?: ReadContext | undefined;
  /** What has to be read to know what is related to this one. */
  reads(parent: EntityId): readonly Read[];
  /** One statement for all. @returns for each parent, by the text of its id, the ids of what is related to it */
  run(
    parents: readonly EntityId[],
    session: Session | undefined,
  ): Promise<ReadonlyMap<string, readonly EntityId[]>>;
}

/**
 * The instances of `target` that are related to instances of `owner`. Which ones is kept as a list of ids for each parent:
 * one look into the cache and one statement, for any number of parents.
 * @returns what is related to each parent, in their order
 */
export async function relatedTo<Target extends object>(
  parents: readonly EntityId[],
  plan: RelationPlan,
  owner: EntityCache<object>,
  target: EntityCache<Target>,
  direct: DirectRead | undefined,
): Promise<Target[][]> {
  const lists =
    direct === undefined
      ? await listed(parents, plan, owner, target)
      : await plan.run(parents, direct.session);
  const all = new Map([...lists.values()].flat().map((id) => [id.text, id]));
  const found = await target.several([...all.values()], false, {}, direct);
  return parents.map(({ text }) => (lists.get(text) ?? []).flatMap((id) => found.get(id.text) ?? []));
}

async function listed(
  parents: readonly EntityId[],
  plan: RelationPlan,
  owner: EntityCache<object>,
  target: EntityCache<object>,
): Promise<Map<string, readonly EntityId[]>> {
  const { adapter, options } = owner.parts;
  const { shape } = adapter;
  const whose = contextSuffix(plan.context);
  const parentOf = new Map(
    parents.map((parent) => [`${shape.name}.${plan.name}:${escapeKeyPart(parent.text)}${whose}`, parent]),
  );
  const lists = await owner.view().getOrSetMany<readonly (readonly unknown[])[]>(
    parentOf.keys(),
    async (missing, context) => {
      const wanted = missing.map((key) => parentOf.get(key)!);
      const related = await readCommitted(adapter, context, () => plan.run(wanted, undefined));
      missing.forEach((key, i) => context.addTags(tagsOfReads(shape.source, plan.reads(wanted[i]!)), key));
      return new Map(
        missing.map((key, i) => [key, (related.get(wanted[i]!.text) ?? []).map(({ values }) => values)]),
      );
    },
    options,
  );
  const idOf = (values: readonly unknown[]): EntityId => target.parts.adapter.idFrom(values);
  return new Map([...lists].map(([key, list]) => [parentOf.get(key)!.text, list.map(idOf)]));
}
