import { expect, test } from "vitest";
import { startDynamo } from "../../../local/dynamo/dynamo-server.ts";

test("A web page of another origin is not allowed in", async () => {
  await using server = await startDynamo({ port: 0 });
  const headers = { origin: "https://elsewhere.example", "access-control-request-headers": "x-amz-target" };

  const answer = await fetch(server.endpoint, { method: "OPTIONS", headers });

  expect(answer.headers.get("access-control-allow-origin")).toBeNull();
});
