import { createWriteStream } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import { execa } from "execa";
import * as z from "zod";
import { useEmulator } from "../process-environments.ts";
import { CannotGoOn, runCommand } from "./cannot-go-on.ts";
import { findEmulator } from "./find-emulator.ts";
import { files, folder, root } from "./folder.ts";
import { limits, stackName, stageName } from "./names.ts";
import { deployment, running } from "./records.ts";

/** `npm run local:deploy [-- -c name=value …]`: the CDK app, as it is deployed to AWS, to an emulator. */

const tell = (line: string) => void process.stdout.write(`${line}\n`);

/** What differs from a deployment on AWS; infra-cdk/configuration.ts says what each means. */
const context = {
  emulator: "true",
  stageName,
  keepData: "false",
  // The runners run from the sources; nothing pulls it.
  imageUri: "omx-web-runner:local",
  // On one's own machine any repository may be cloned.
  repositoryAllowList: "https://,ssh://,file:///",
  ...limits,
};

const Outputs = z.object({
  [stackName]: z.object({ ApiUrl: z.url(), TableName: z.string() }),
});

await runCommand(deploy);

async function deploy(): Promise<void> {
  const endpoint = await findEmulator();
  useEmulator(endpoint);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await Promise.all([deployment.remove(), rm(files.outputs, { force: true }), rm(files.deployLog, { force: true })]);
  tell(`Deploying to ${endpoint}; the log is ${files.deployLog}.`);
  const given = Object.entries(context).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const assembly = ["--output", files.cloudAssembly];
  // The first waits for the emulator while the second computes; and where there is no cdk.json it runs no app.
  await Promise.all([
    cdk(folder, "bootstrap", "aws://000000000000/us-east-1"),
    cdk(root, "synth", "--quiet", ...assembly, ...given, ...process.argv.slice(2)),
  ]);
  const now = ["--require-approval", "never", "--progress", "events"];
  await cdk(root, "deploy", "--app", files.cloudAssembly, "--outputs-file", files.outputs, ...now);
  await writeDown(endpoint);
}

async function cdk(cwd: string, command: string, ...args: readonly string[]): Promise<void> {
  const run = execa("cdk", [command, ...args], {
    cwd,
    preferLocal: true,
    localDir: root,
    reject: false,
    all: true,
    env: { CI: "1" },
  });
  run.all.pipe(createWriteStream(files.deployLog, { flags: "a", mode: 0o600 }));
  const { failed, all } = await run;
  if (!failed) return;
  const said = all.trim().split("\n").slice(-12).join("\n");
  throw new CannotGoOn(
    `cdk ${command} failed, and the deployment cannot be used:\n${said}\n` +
      `The whole of it is in ${files.deployLog}. Where a resource type or a property is not supported, or the stack is in a ` +
      "state that cannot be updated, begin anew: npm run local:down && npm run local:up && npm run local:deploy.",
  );
}

async function writeDown(endpoint: string): Promise<void> {
  const { [stackName]: outputs } = Outputs.parse(JSON.parse(await readFile(files.outputs, "utf8")));
  if (outputs === undefined) throw new Error(`There are no outputs of ${stackName}.`);
  const apiUrl = urlBehind(endpoint, new URL(outputs.ApiUrl));
  await deployment.write({ endpoint, apiUrl, tableName: outputs.TableName });
  tell(`
Deployed. The API answers on ${apiUrl}
and asks for a key; this makes one:

  export OMX_KEY=$(AWS_ENDPOINT_URL=${endpoint} AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local \\
    npm run -s keys -- create --tenant acme --table ${outputs.TableName})
  curl -s ${apiUrl}/v1/jobs -H "Authorization: Bearer $OMX_KEY"`);
  if (endpoint === (await running.read())?.endpoint) tell("\nNext: npm run local:test");
}

/** An API has a host name of its own, which no name server knows here; emulators take this path for it. */
function urlBehind(endpoint: string, { hostname, pathname }: URL): string {
  const [apiId] = hostname.split(".");
  return `${endpoint}/restapis/${apiId}/${pathname.split("/")[1]}/_user_request_`;
}
