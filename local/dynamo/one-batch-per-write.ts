import db, { type Item, type Table } from "dynalite/db/index.js";
import { type IndexEntry, indexChanges } from "./index-changes.ts";

type Operation = { type: "put"; key: string; value: Item } | { type: "del"; key: string };

/**
 * Dynalite writes each index entry and then the item by itself: killed in between, an index names items that do not
 * exist. Here the item and its entries are one LevelDB batch. The write of the item that dynalite adds, under the same
 * lock, repeats what is already there.
 */
export function writeItemAndIndexesInOneBatch(): void {
  db.updateIndexes = (store, table, oldItem, newItem, callback) => {
    const changes = indexChanges(table, oldItem, newItem);
    if (changes.length === 0) return callback();
    // The prefixes are dynalite's own.
    const indexOperations = changes.flatMap(({ scope, name, before, after }) =>
      operations(`index-${scope.toLowerCase()}~${table.TableName}~${name}~`, before, after),
    );
    const itemOperations = operations(`item-${table.TableName}~`, row(oldItem, table), row(newItem, table));
    store.db.batch([...indexOperations, ...itemOperations], callback);
  };
}

function row(item: Item | undefined | null, table: Table): IndexEntry | undefined {
  return item ? { key: db.createKey(item, table), item } : undefined;
}

function operations(prefix: string, before: IndexEntry | undefined, after: IndexEntry | undefined): Operation[] {
  const list: Operation[] = [];
  if (before && before.key !== after?.key) list.push({ type: "del", key: prefix + before.key });
  if (after) list.push({ type: "put", key: prefix + after.key, value: after.item });
  return list;
}
