import db, { type Capacity, type Item } from "dynalite/db/index.js";
import { type IndexChange, type IndexEntry, indexChanges } from "./index-changes.ts";

const bytesPerWriteUnit = 1024;

/**
 * Dynalite reports a write's capacity without its indexes. DynamoDB adds one write for an entry that comes, changes or
 * goes, two when its key changes, for then it moves, and nothing for one that stays as it is.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes
 */
export function countIndexWrites(): void {
  const { addConsumedCapacity, updateIndexes } = db;
  // Both functions get the very same item objects, one right after the other.
  const capacityOfWrite = new WeakMap<Item, Capacity>();

  db.addConsumedCapacity = (request, isRead, oldItem, newItem) => {
    const capacity = addConsumedCapacity(request, isRead, oldItem, newItem);
    const item = newItem ?? oldItem;
    if (capacity && item) capacityOfWrite.set(item, capacity);
    return capacity;
  };

  db.updateIndexes = (store, table, oldItem, newItem, callback) => {
    const item = newItem ?? oldItem;
    const capacity = item && capacityOfWrite.get(item);
    if (capacity) for (const change of indexChanges(table, oldItem, newItem)) addIndexWrite(capacity, change);
    updateIndexes(store, table, oldItem, newItem, callback);
  };
}

function addIndexWrite(capacity: Capacity, { scope, name, before, after }: IndexChange): void {
  const moves = before && after && before.key !== after.key;
  const units = moves ? writeUnits(before) + writeUnits(after) : Math.max(writeUnits(before), writeUnits(after));
  capacity.CapacityUnits += units;
  // The parts are listed when asked for INDEXES, the sum alone when asked for TOTAL.
  if (!capacity.Table) return;
  const part = `${scope}SecondaryIndexes` as const;
  capacity[part] = { ...capacity[part], [name]: { CapacityUnits: units } };
}

function writeUnits(entry: IndexEntry | undefined): number {
  return entry ? Math.ceil(db.itemSize(entry.item) / bytesPerWriteUnit) : 0;
}
