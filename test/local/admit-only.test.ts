import { DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { ECSClient, ListTasksCommand } from "@aws-sdk/client-ecs";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { expect, test } from "vitest";
import { startService } from "../helpers/service.ts";

test("The emulators answer to the stack's own key, and to no other.", async () => {
  await using _service = await startService();
  const own = process.env.AWS_ACCESS_KEY_ID ?? "";
  expect(own).toMatch(/^[0-9a-f]{32}$/);
  const ask = (accessKeyId: string) => {
    const credentials = { accessKeyId, secretAccessKey: "any" };
    const QueueUrl = process.env.QUEUE_URL ?? "";
    return [
      new DynamoDBClient({ credentials }).send(new ListTablesCommand({})),
      new SQSClient({ credentials }).send(new SendMessageCommand({ QueueUrl, MessageBody: "not a hint" })),
      new ECSClient({ credentials }).send(new ListTasksCommand({ cluster: "omx-web-local" })),
    ];
  };
  const statuses = async (accessKeyId: string) =>
    (await Promise.allSettled(ask(accessKeyId))).map((answer) => answer.status);
  expect(await statuses(own)).toEqual(["fulfilled", "fulfilled", "fulfilled"]);
  expect(await statuses("local")).toEqual(["rejected", "rejected", "rejected"]);
});
