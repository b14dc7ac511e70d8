import type { Store, Table } from "dynalite/db/index.js";

/**
 * Dynalite makes a new table active by a second, later write: killed in between, the table stays CREATING for ever,
 * and a client that writes at once finds no table. Here the first write already says ACTIVE.
 */
export function activateTablesAtOnce({ tableDb }: Store): void {
  const put = tableDb.put;
  tableDb.put = (name, table, callback) =>
    put(name, table.TableStatus === "CREATING" ? activated(table) : table, callback);
}

function activated(table: Table): Table {
  const indexes = table.GlobalSecondaryIndexes?.map((index) => ({ ...index, IndexStatus: "ACTIVE" }));
  return { ...table, TableStatus: "ACTIVE", ...(indexes && { GlobalSecondaryIndexes: indexes }) };
}
