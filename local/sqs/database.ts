import { mkdir } from "node:fs/promises";
import { PersistenceManager } from "../../node_modules/fauxqs/dist/persistence.js";
import { SnsStore } from "../../node_modules/fauxqs/dist/sns/snsStore.js";
import type { SqsStore } from "../../node_modules/fauxqs/dist/sqs/sqsStore.js";

/** Fauxqs's SQLite file in `directory`, which is made with mode 0700. */
export async function openDatabase(directory: string): Promise<PersistenceManager> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  return new PersistenceManager(directory);
}

/** Loads what `database` has into `queues`, and from then on writes what happens to them. */
export function keepQueues(queues: SqsStore, database: PersistenceManager): void {
  // Loaded before they are tied to the database: a queue stored again would take its messages with it.
  database.loadSqsAndSns(queues, new SnsStore());
  queues.persistence = database;
  for (const queue of queues.allQueues()) queue.persistence = database;
}
