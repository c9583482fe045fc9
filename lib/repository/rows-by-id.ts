import type { EntityAdapter, EntityId, Row, Session } from './contract.js';

/**
 * The rows there are, by the texts of the ids that were asked for: one statement, where ids of different texts are different
 * rows. Where they may be one, a row that comes back does not say by which of the ids it was found.
 */
export async function rowsById(
  adapter: Pick<EntityAdapter<never>, 'fetch' | 'idOfRow' | 'looseIds'>,
  ids: readonly EntityId[],
  session: Session | undefined,
): Promise<Map<string, Row>> {
  if (ids.length === 0) return new Map();
  const rows = await adapter.fetch(ids, session);
  if (ids.length === 1) return new Map(rows.map((row) => [ids[0]!.text, row]));
  const byText = new Map(rows.map((row) => [adapter.idOfRow(row).text, row]));
  const found = new Map<string, Row>();
  const others: EntityId[] = [];
  for (const id of ids) {
    const row = byText.get(id.text);
    if (row === undefined) others.push(id);
    else found.set(id.text, row);
  }
  const told = adapter.looseIds !== true && found.size === byText.size;
  if (told || rows.length === 0 || others.length === 0) return found;
  // Some may be other spellings: they are asked for without those that were found, and at last one by one.
  const rest = found.size > 0 ? [others] : others.map((id) => [id]);
  for (const some of rest)
    for (const [text, row] of await rowsById(adapter, some, session)) found.set(text, row);
  return found;
}
