import type { Callback, Store } from "dynalite/db/index.js";

/**
 * Dynalite throws what the database fails with (disk full, or closed under a running request), which ends the whole
 * process. Here the request is answered with DynamoDB's InternalServerError.
 */
export function answerDatabaseFailures({ db }: Store): void {
  for (const kind of ["get", "put", "del", "batch"] as const) {
    const call = db[kind];
    db[kind] = (...parameters) => {
      const callback = parameters.pop() as Callback;
      call(...parameters, (error, result) => {
        // A step that succeeded just before the database was closed must not lead to the next step.
        const failure = error ?? (db.status === "open" ? undefined : new Error("Database is closed"));
        callback(failure && internalServerError(failure), result);
      });
    };
  }
  for (const kind of ["keys", "values"] as const) {
    const open = db[kind].bind(db);
    db[kind] = (options) => {
      const iterator = open(options);
      const next = iterator.next.bind(iterator);
      iterator.next = () => next().catch((error) => Promise.reject(internalServerError(error)));
      return iterator;
    };
  }
}

// The two fields by which dynalite tells an answer from a defect of its own.
function internalServerError(error: Error): Error {
  const body = { __type: "com.amazonaws.dynamodb.v20120810#InternalServerError", message: error.message };
  return Object.assign(error, { statusCode: 500, body });
}
