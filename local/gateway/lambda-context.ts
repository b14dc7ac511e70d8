import { randomUUID } from "node:crypto";
import type { LambdaContext } from "./gateway-route.ts";

const REGION = "us-east-1";
const ACCOUNT_ID = "000000000000";

/** What the runtime tells a function about one invocation. `deadline` is in milliseconds since 1970. */
export function createLambdaContext(functionName: string, deadline: number): LambdaContext {
  return {
    awsRequestId: randomUUID(),
    callbackWaitsForEmptyEventLoop: true,
    functionName,
    functionVersion: "$LATEST",
    invokedFunctionArn: `arn:aws:lambda:${REGION}:${ACCOUNT_ID}:function:${functionName}`,
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: "local",
    memoryLimitInMB: "128",
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
    done: refuseCallbackStyle,
    fail: refuseCallbackStyle,
    succeed: refuseCallbackStyle,
  };
}

function refuseCallbackStyle(): never {
  throw new Error("The Node.js 24 runtime of Lambda knows no callbacks: return a promise.");
}
