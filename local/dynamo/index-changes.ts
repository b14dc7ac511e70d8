import { isDeepStrictEqual } from "node:util";
import db, { type Index, type Item, type Table } from "dynalite/db/index.js";

/** What one write of an item changes in one index; without `before` the item was not in it, without `after` it leaves. */
export interface IndexChange {
  scope: "Local" | "Global";
  name: string;
  before: IndexEntry | undefined;
  after: IndexEntry | undefined;
}

/** The item as the index projects it, under its LevelDB key. */
export interface IndexEntry {
  key: string;
  item: Item;
}

/** The indexes of `table` that change when `oldItem` becomes `newItem` (nothing: before a first put, after a delete). */
export function indexChanges(table: Table, oldItem: Item | undefined, newItem: Item | null): IndexChange[] {
  return (["Local", "Global"] as const)
    .flatMap((scope) =>
      (table[`${scope}SecondaryIndexes`] ?? []).map((index) => ({
        scope,
        name: index.IndexName,
        before: indexEntry(index, oldItem, table),
        after: indexEntry(index, newItem, table),
      })),
    )
    .filter(({ before, after }) => !isDeepStrictEqual(before, after, { skipPrototype: true }));
}

// Dynalite's own projection, asked for one item alone: it puts the item, if at all, into the index.
function indexEntry(index: Index, item: Item | undefined | null, table: Table): IndexEntry | undefined {
  if (!item) return undefined;
  const [put] = db.getIndexActions([index], undefined, item, table).puts;
  return put && { key: db.createIndexKey(put.item, table, index.KeySchema), item: put.item };
}
