import db, { type Item } from "dynalite/db/index.js";

/**
 * Dynalite measures strings in UTF-16 units, DynamoDB in UTF-8 bytes: 410 kB of `é` pass the limit of 400 kB.
 * Here dynalite is shown one character for each byte.
 */
export function measureItemsInUtf8(): void {
  const { itemSize, addConsumedCapacity } = db;
  db.itemSize = (item) => itemSize(bytesAsCharacters(item));
  db.addConsumedCapacity = (request, isRead, oldItem, newItem) =>
    request.ReturnConsumedCapacity === undefined
      ? undefined
      : addConsumedCapacity(
          request,
          isRead,
          oldItem && bytesAsCharacters(oldItem),
          newItem && bytesAsCharacters(newItem),
        );
}

function bytesAsCharacters(item: Item): Item {
  return JSON.parse(Buffer.from(JSON.stringify(item)).toString("latin1"));
}
