// Dynalite ships no types. Declared here is only what the cures in this folder touch (version 4.0.0).

declare module "dynalite" {
  import type { Server } from "node:http";

  interface DynaliteOptions {
    /** LevelDB folder; in memory when absent. */
    path?: string;
    createTableMs: number;
    deleteTableMs: number;
    updateTableMs: number;
  }

  function dynalite(options: DynaliteOptions): Server;

  // biome-ignore lint/style/noDefaultExport: this is how a CommonJS module is imported
  export { type DynaliteOptions, dynalite as default };
}

declare module "dynalite/db/index.js" {
  import type { Readable } from "node:stream";
  import type { DynaliteOptions } from "dynalite";

  /** An item, a key, or any map of attributes, in DynamoDB's JSON: `{ id: { S: "a" } }`. */
  export type Item = Record<string, Record<string, unknown>>;
  export type Callback<Result = unknown> = (error?: Error | null, result?: Result) => void;
  export type KeySchema = { AttributeName: string; KeyType: string }[];

  export interface Index {
    IndexName: string;
    KeySchema: KeySchema;
    IndexStatus?: string;
  }

  export interface Table {
    TableName: string;
    KeySchema: KeySchema;
    TableStatus: string;
    LocalSecondaryIndexes?: Index[];
    GlobalSecondaryIndexes?: Index[];
  }

  export interface Iterator {
    next(): Promise<unknown>;
    close(): Promise<void>;
    return?: () => Promise<void>;
  }

  /** `get(key)`, `put(key, value)`, `del(key)` and `batch(operations)`, each with a callback at the end. */
  type DatabaseCall = (...parameters: [...unknown[], Callback]) => void;

  export interface Level {
    readonly status: "opening" | "open" | "closing" | "closed";
    open(): Promise<void>;
    close(): Promise<void>;
    get: DatabaseCall;
    put: DatabaseCall;
    del: DatabaseCall;
    batch: DatabaseCall;
    keys(options?: object): Iterator;
    values(options?: object): Iterator;
  }

  export interface Rows {
    createValueStream(options: object): Readable;
  }

  export interface Store {
    options: DynaliteOptions;
    db: Level;
    tableDb: { put(name: string, table: Table, callback: Callback): void };
    getItemDb(tableName: string): Rows;
    getIndexDb(indexType: string, tableName: string, indexName: string): Rows;
  }

  export interface Request {
    TableName: string;
    IndexName?: string;
    ConsistentRead?: boolean;
    ReturnConsumedCapacity?: string;
    ReturnValuesOnConditionCheckFailure?: string;
  }

  export interface Capacity {
    CapacityUnits: number;
    TableName?: string;
    Table?: Capacity | undefined;
    LocalSecondaryIndexes?: Record<string, Capacity>;
    GlobalSecondaryIndexes?: Record<string, Capacity>;
  }

  export interface QueryResult {
    ScannedCount: number;
    ConsumedCapacity?: Capacity;
  }

  const db: {
    create(options: DynaliteOptions): Store;
    createKey(item: Item, table: Table, keySchema?: KeySchema): string;
    createIndexKey(item: Item, table: Table, keySchema: KeySchema): string;
    getIndexActions(
      indexes: Index[],
      oldItem: Item | undefined,
      newItem: Item,
      table: Table,
    ): { puts: { index: string; key: string; item: Item }[] };
    updateIndexes(
      store: Store,
      table: Table,
      oldItem: Item | undefined,
      newItem: Item | null,
      callback: Callback,
    ): void;
    checkConditional(request: Request, oldItem: Item | undefined): { body: { Item?: Item } } | null | undefined;
    itemSize(item: Item): number;
    addConsumedCapacity(request: Request, isRead: boolean, oldItem?: Item, newItem?: Item): Capacity | undefined;
    queryTable(
      store: Store,
      table: Table,
      request: Request,
      range: object,
      isLocal: boolean | undefined,
      fetchFromItemDb: boolean,
      startKeyNames: string[],
      callback: Callback<QueryResult>,
    ): void;
  };

  // biome-ignore lint/style/noDefaultExport: this is how a CommonJS module is imported
  export { db as default };
}

declare module "dynalite/validations/*.js" {
  /** The fields that a request may have; all others are dropped from it. */
  export const types: Record<string, object>;
}
