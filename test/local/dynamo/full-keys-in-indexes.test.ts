import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { startDynamo } from "../../../local/dynamo/dynamo-server.ts";
import { connect, createJobsTable, put, queryOwner } from "./jobs-table.ts";

test("Two items of one index key are both in the index, page by page, though their short hashes are the same", async () => {
  await using server = await startDynamo({ port: 0 });
  const dynamo = connect(server.endpoint);
  await createJobsTable(dynamo);
  const ids = idsOfOneShortHash();
  for (const id of ids) await dynamo.send(put({ id, owner: "ann" }));

  const first = await dynamo.send(queryOwner("ann", { Limit: 1 }));
  const second = await dynamo.send(queryOwner("ann", { Limit: 1, ExclusiveStartKey: first.LastEvaluatedKey ?? {} }));

  expect([...(first.Items ?? []), ...(second.Items ?? [])].map((item) => item.id).sort()).toEqual(ids);
});

/** Two values of `id` that dynalite's 24-bit hash of the primary key does not tell apart. */
function idsOfOneShortHash(): string[] {
  const idByHash = new Map<string, string>();
  for (let number = 0; ; number += 1) {
    const id = String(number);
    const hash = createHash("md5").update(`Outliers${id}a`).digest("hex").slice(0, 6);
    const other = idByHash.get(hash);
    if (other !== undefined) return [other, id].sort();
    idByHash.set(hash, id);
  }
}
