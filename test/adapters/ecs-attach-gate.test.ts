import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { execa } from "execa";
import { afterAll, expect, test } from "vitest";
import { ecsAttachGate } from "../../adapters/ecs-attach-gate.ts";
import { AttachUnavailable } from "../../core/errors.ts";
import { ecsClient, forever, testEcs } from "../local/ecs/test-ecs.ts";

const ecs = await testEcs({ runner: forever });
afterAll(() => ecs[Symbol.asyncDispose]());

const task = "arn:aws:ecs:us-east-1:000000000000:task/omx-web/0123";

/** An ECS that gives every request this answer, with the SDK's own client of it. */
async function ecsThatAnswers(status: number, body: object) {
  const requests: { target: unknown; input: unknown }[] = [];
  const server = createServer(async (request, response) => {
    requests.push({ target: request.headers["x-amz-target"], input: await json(request) });
    response.writeHead(status, { "content-type": "application/x-amz-json-1.1" }).end(JSON.stringify(body));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const client = ecsClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return {
    requests,
    gate: ecsAttachGate(client, "omx-web"),
    async [Symbol.asyncDispose]() {
      client.destroy();
      server.close().closeAllConnections();
    },
  };
}

const session = {
  sessionId: "ecs-execute-command-0d1",
  streamUrl: "wss://ssmmessages.us-east-1.amazonaws.com/v1/data-channel/ecs-execute-command-0d1?role=publish_subscribe",
  tokenValue: "AAEAA'\"$(touch /tmp/never)` it's one",
};

test.each([
  { write: false, command: "/opt/omx/attach" },
  { write: true, command: "/opt/omx/attach --write" },
])(
  "Opens a session that executes the image's program alone, in the runner's container: %j",
  async ({ write, command }) => {
    await using aws = await ecsThatAnswers(200, { session, taskArn: task });

    const grant = await aws.gate.open(task, { write });

    expect(grant).toMatchObject(session);
    expect(aws.requests).toEqual([
      {
        target: "AmazonEC2ContainerServiceV20141113.ExecuteCommand",
        input: { cluster: "omx-web", task, container: "runner", interactive: true, command },
      },
    ]);
  },
);

test("The command is one for a shell, whatever the token is: the plugin gets what the AWS CLI would hand it", async () => {
  await using aws = await ecsThatAnswers(200, { session, taskArn: task });
  const { command } = await aws.gate.open(task, { write: false });

  const shown = await execa("bash", ["-c", `session-manager-plugin() { printf '%s\\0' "$@"; }\n${command}`]);
  const words = shown.stdout.split("\0").slice(0, -1);

  expect(words.slice(1)).toEqual(["us-east-1", "StartSession", "", JSON.stringify({ Target: task })]);
  expect(JSON.parse(words[0] ?? "")).toEqual(session);
});

test.each(["TargetNotConnectedException", "InvalidParameterException"])(
  "Nobody is let in where ECS says %s",
  async (type) => {
    await using aws = await ecsThatAnswers(400, { __type: type, message: "The agent is not there." });

    await expect(aws.gate.open(task, { write: false })).rejects.toThrow(
      new AttachUnavailable("The agent is not there."),
    );
  },
);

test("Any other refusal is a fault of the deployment", async () => {
  await using aws = await ecsThatAnswers(400, { __type: "AccessDeniedException", message: "not allowed" });

  const opening = aws.gate.open(task, { write: false });

  await expect(opening).rejects.toThrow("not allowed");
  await expect(opening).rejects.not.toThrow(AttachUnavailable);
});

test("The local ECS says that it has nothing to carry a session, and knows its tasks", async () => {
  const gate = ecsAttachGate(ecs.client, ecs.cluster);
  const running = await ecs.run("runner", { enableExecuteCommand: true });
  const without = await ecs.run("runner");
  await Promise.all([ecs.firstLine(running), ecs.firstLine(without)]);
  const open = (taskId = "") => gate.open(taskId, { write: false });

  await expect(open(running.taskArn)).rejects.toThrow(
    new AttachUnavailable("The local ECS has no Systems Manager that could carry a session."),
  );
  await expect(open(without.taskArn)).rejects.toThrow("Execute command was not enabled");
  await expect(open("0123")).rejects.toThrow("The referenced task was not found.");
});
