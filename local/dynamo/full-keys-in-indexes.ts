import db from "dynalite/db/index.js";

/**
 * Dynalite tells index entries of one index key apart by 24 bits of a hash of the primary key, so that of 10,000
 * items about 3 overwrite another. Here the key of an entry ends with the whole primary key.
 */
export function keepFullKeysInIndexes(): void {
  db.createIndexKey = (item, table, keySchema) => db.createKey(item, table, keySchema) + db.createKey(item, table);
}
