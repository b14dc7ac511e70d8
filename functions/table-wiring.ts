import { dynamoClient } from "../adapters/dynamo-client.ts";
import { FunctionEnvironment, parseEnvironment } from "../adapters/environment.ts";
import { once } from "./once.ts";

/** What every function that reads the table is made of, jobs or no jobs. */

export const environment = /* @__PURE__ */ once(() => parseEnvironment(FunctionEnvironment));

export const dynamo = /* @__PURE__ */ once(dynamoClient);
