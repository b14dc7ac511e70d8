import type { Server } from "node:http";
import dynalite from "dynalite";
import db, { type Store } from "dynalite/db/index.js";
import { answerDatabaseFailures } from "./answer-database-failures.ts";
import { closeIterators } from "./close-iterators.ts";
import { keepFullKeysInIndexes } from "./full-keys-in-indexes.ts";
import { countIndexWrites } from "./index-write-capacity.ts";
import { returnItemOfFailedCondition } from "./item-of-failed-condition.ts";
import { writeItemAndIndexesInOneBatch } from "./one-batch-per-write.ts";
import { countQueriedBytes } from "./query-capacity.ts";
import { refuseWebPages } from "./refuse-web-pages.ts";
import { surviveAbortedRequests } from "./survive-aborted-requests.ts";
import { activateTablesAtOnce } from "./tables-active-at-once.ts";
import { measureItemsInUtf8 } from "./utf8-sizes.ts";

// Dynalite's functions are shared by all its servers, so they are replaced once, when this module is loaded. They wrap
// one another: the order counts.
keepFullKeysInIndexes();
writeItemAndIndexesInOneBatch();
measureItemsInUtf8();
countIndexWrites();
countQueriedBytes();
returnItemOfFailedCondition();

/** A store not yet open, in LevelDB under `directory`, or in memory without one. */
export function createStore(directory: string | undefined): Store {
  // How long a table stays in CREATING, DELETING and UPDATING: to wait has no use here.
  const options = { createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 };
  const store = db.create(directory === undefined ? options : { ...options, path: directory });
  closeIterators(store);
  answerDatabaseFailures(store);
  activateTablesAtOnce(store);
  return store;
}

/** DynamoDB's API over `store`; closing the server closes the store. */
export function createServer(store: Store): Server {
  const server = serverOver(store);
  surviveAbortedRequests(server);
  refuseWebPages(server);
  return server;
}

// Dynalite makes its store itself and does not show it, but a store must be opened and cured before it serves.
function serverOver(store: Store): Server {
  const { create } = db;
  db.create = () => store;
  const server = dynalite(store.options);
  db.create = create;
  return server;
}
