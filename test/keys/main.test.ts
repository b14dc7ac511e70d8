import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterAll, describe, expect, test } from "vitest";
import { dynamoApiKeys } from "../../adapters/dynamo-api-keys.ts";
import { dynamoClient } from "../../adapters/dynamo-client.ts";
import { startDynamo } from "../../local/dynamo/dynamo-server.ts";
import { setEnvironment } from "../../local/process-environments.ts";
import { provisionTable, tableName } from "../../local/provision.ts";

/** `npm run keys` as a person runs it: a process of its own, with an environment of which nothing is inherited. */
const main = fileURLToPath(new URL("../../keys/main.ts", import.meta.url));
const root = await mkdtemp(join(tmpdir(), "omx-keys-"));
const dynamo = await startDynamo({ port: 0 });
setEnvironment({ AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint });
await provisionTable();
const client = dynamoClient();
const stored = dynamoApiKeys(client, tableName);
afterAll(async () => {
  client.destroy();
  await dynamo[Symbol.asyncDispose]();
  await rm(root, { recursive: true });
});

const credentials = { AWS_ACCESS_KEY_ID: "local", AWS_SECRET_ACCESS_KEY: "local" };
const deployed = { ...credentials, AWS_REGION: "us-east-1", AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint };
const nowhere = "http://127.0.0.1:1";

function run(line: string, env: Record<string, string> = {}) {
  const bare = { HOME: root, AWS_EC2_METADATA_DISABLED: "true" };
  return execa(process.execPath, [main, ...line.split(" ")], {
    ...{ cwd: root, env: { ...bare, ...env }, extendEnv: false, reject: false },
  });
}

async function rememberedIn(folder: string, dynamoPort: number) {
  const directory = await mkdtemp(join(root, folder));
  const stack = { dynamo: dynamoPort, sqs: 1, ecs: 1, accessKeyId: "0123456789abcdef" };
  await writeFile(join(directory, "stack.json"), JSON.stringify(stack));
  return directory;
}

describe("the keys of a deployment", () => {
  test("are in the table that is named, found as the SDK finds it", async () => {
    const created = await run(`create --tenant acme --table ${tableName}`, deployed);
    const listed = await run("list", { ...deployed, TABLE_NAME: tableName });

    expect(created).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining(`table ${tableName} at http://127.`),
    });
    const keyId = created.stdout.split("_")[1] ?? "";
    expect(await stored.get(keyId)).toMatchObject({ tenantId: "acme" });
    expect(listed.stdout).toContain(keyId);
    const disabled = await run(`disable ${keyId} --table ${tableName}`, deployed);
    expect(disabled).toMatchObject({ exitCode: 0, stdout: keyId });
    expect(await stored.get(keyId)).toMatchObject({ disabledAt: expect.any(String) });
  });
});

describe("the keys of an embedded stack", () => {
  test("are found by its folder, whatever the environment says of AWS", async () => {
    const port = Number(new URL(dynamo.endpoint).port);
    const directory = await rememberedIn("running-", port);
    const aws = { AWS_ENDPOINT_URL_DYNAMODB: nowhere, AWS_PROFILE: "work", TABLE_NAME: "theirs" };

    const byOption = await run(`create --tenant local --data-dir ${directory}`, aws);
    const bySetting = await run("list", { DATA_DIR: directory });

    expect(byOption).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining(`the embedded stack in ${directory}`),
    });
    expect(bySetting.stdout).toContain(byOption.stdout.split("_")[1]);
  });
});

describe("what goes wrong is said in a sentence", () => {
  test.each([
    ["a command that does not exist", "frobnicate", {}, 'There is no command "frobnicate"'],
    ["no stack ever started", "list", {}, "No embedded stack has been started with its data in"],
    ["no region", "list --table t", {}, "There is no AWS region: set AWS_REGION."],
    ["no credentials", "list --table t", { AWS_REGION: "us-east-1" }, "There are no AWS credentials: set AWS_PROFILE"],
    ["a table that is missing", "list --table missing", deployed, "There is no table missing at http://127."],
    [
      "an endpoint that nothing listens on",
      "list --table t",
      { ...deployed, AWS_ENDPOINT_URL_DYNAMODB: nowhere },
      `Nothing answers for table t at ${nowhere} (ECONNREFUSED).`,
    ],
    [
      "an endpoint that is none",
      "list --table t",
      { ...deployed, AWS_ENDPOINT_URL_DYNAMODB: "x" },
      "(ERR_INVALID_URL).",
    ],
    ["a key that is not there", `disable 0123456789AB --table ${tableName}`, deployed, "There is no key 0123456789AB"],
  ])("%s", async (_what, line, environment, sentence) => {
    const { exitCode, stdout, stderr } = await run(line, environment as Record<string, string>);

    expect(stderr).toContain(sentence);
    expect(stderr.split("\n")).toHaveLength(1);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
  });

  test("a stack that does not run", async () => {
    const { exitCode, stderr } = await run(`list --data-dir ${await rememberedIn("stopped-", 1)}`);

    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^Nothing answers for the embedded stack in .* It does not run: start it with `AUTH=keys/);
  });

  test("credentials that the table's owner does not know", async () => {
    await using closed = await startDynamo({ port: 0, accessKeyId: "0123456789abcdef" });

    const { exitCode, stderr } = await run("list --table t", {
      ...deployed,
      AWS_ENDPOINT_URL_DYNAMODB: closed.endpoint,
    });

    expect(exitCode).toBe(1);
    expect(stderr).toBe("DynamoDB refuses (UnrecognizedClientException): This access key is not known here.");
  });
});
