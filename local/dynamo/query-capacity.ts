import db, { type Capacity, type Request, type Rows, type Store } from "dynalite/db/index.js";

const bytesPerReadUnit = 4096;

/**
 * Dynalite counts nothing for a query that finds nothing, and measures in UTF-16 units. DynamoDB counts the UTF-8 bytes
 * of all items looked at, filtered out or not, and at least one unit (half a one for an eventually consistent read).
 */
export function countQueriedBytes(): void {
  const { queryTable } = db;
  db.queryTable = (store, table, request, range, isLocal, fetchFromItemDb, startKeyNames, callback) => {
    const itemBytes: number[] = [];
    const measured = request.ReturnConsumedCapacity === undefined ? store : measuring(store, itemBytes);
    queryTable(measured, table, request, range, isLocal, fetchFromItemDb, startKeyNames, (error, result) => {
      if (result?.ConsumedCapacity) {
        // The stream may be read further than the query looks.
        const bytes = itemBytes.slice(0, result.ScannedCount).reduce((sum, size) => sum + size, 0);
        setReadUnits(result.ConsumedCapacity, request, Math.max(1, Math.ceil(bytes / bytesPerReadUnit)));
      }
      callback(error, result);
    });
  };
}

function measuring(store: Store, itemBytes: number[]): Store {
  const rows = ({ createValueStream }: Rows): Rows => ({
    createValueStream: (options) => createValueStream(options).on("data", (item) => itemBytes.push(db.itemSize(item))),
  });
  return {
    ...store,
    getItemDb: (tableName) => rows(store.getItemDb(tableName)),
    getIndexDb: (...names) => rows(store.getIndexDb(...names)),
  };
}

function setReadUnits(capacity: Capacity, { IndexName, ConsistentRead }: Request, consistentUnits: number): void {
  const units = ConsistentRead ? consistentUnits : consistentUnits / 2;
  capacity.CapacityUnits = units;
  // The parts are listed when asked for INDEXES, the sum alone when asked for TOTAL.
  const part = IndexName === undefined ? capacity.Table : capacity.GlobalSecondaryIndexes?.[IndexName];
  if (part) part.CapacityUnits = units;
}
